/* What src/sys/kqueue.rs takes `struct kevent` for, compared with the system's own header when it is compiled
 * for that system; .ci/check-targets does. */

#include <sys/types.h>
#include <sys/event.h>

#include <stddef.h>

#define FIELD(name, offset, type) \
    _Static_assert(offsetof(struct kevent, name) == (offset), "offset of " #name); \
    _Static_assert(sizeof(((struct kevent *)0)->name) == sizeof(type), "size of " #name)

FIELD(ident, 0, size_t);
FIELD(filter, 8, short);
FIELD(flags, 10, unsigned short);
FIELD(fflags, 12, unsigned);
FIELD(data, 16, long long);
FIELD(udata, 24, void *);

#ifdef __FreeBSD__ /* Since version 12 the struct has four more words, `ext`. */
_Static_assert(sizeof(struct kevent) == 64, "size");
#else
_Static_assert(sizeof(struct kevent) == 32, "size");
#endif
