/*
 * What these programs do for whoever tests them, to be copied: with MIO_ST_CHECKS=1 in the environment the poller looks
 * for mistakes of the program, which are printed; with MIO_ST_CLOCK=paused its time stands still, and is moved by lines
 * of the standard input.
 */
#ifndef TESTING_H
#define TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mio_st.h>

static inline int is_set(const char *variable, const char *to)
{
    const char *value = getenv(variable);
    return value != NULL && strcmp(value, to) == 0;
}

/* Before anything is registered. */
static inline int look_for_mistakes(mio_st_poller_t poller)
{
    return is_set("MIO_ST_CHECKS", "1") ? mio_st_poller_set_checks(poller, MIO_ST_CHECK_ALL) : 0;
}

/* After each poll. */
static inline void print_complaints(mio_st_poller_t poller)
{
    mio_st_complaint_t complaint;
    while (mio_st_poller_next_complaint(poller, &complaint, sizeof complaint) == 1)
        fprintf(stderr, "complaint: id %llu, descriptor %d, count %llu: %s\n", (unsigned long long)complaint.id,
                complaint.fd, (unsigned long long)complaint.count, mio_st_complaint_text(complaint.problem));
}

/*
 * Before anything else is registered: of what is ready at once a line is then the first, so that the tester knows that
 * whatever it does after writing one happens after it.
 */
static inline int drive_clock(mio_st_poller_t poller, uint64_t id)
{
    int result;
    if (!is_set("MIO_ST_CLOCK", "paused"))
        return 0;
    result = mio_st_poller_set_clock(poller, MIO_ST_CLOCK_PAUSED);
    if (result < 0)
        return result;
    return mio_st_poller_register_fd(poller, STDIN_FILENO, id, MIO_ST_READABLE, MIO_ST_LEVEL);
}

/* At an event with that id: a line says by how many milliseconds. (One at a time: a second one would be read, too, and
 * wait in the buffer of stdin.) */
static inline int move_time(mio_st_poller_t poller)
{
    char line[32];
    if (fgets(line, sizeof line, stdin) == NULL)
        return mio_st_poller_deregister_fd(poller, STDIN_FILENO);
    return mio_st_poller_advance(poller, strtoull(line, NULL, 10) * 1000000);
}

#endif
