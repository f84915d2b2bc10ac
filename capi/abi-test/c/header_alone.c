/* The header needs no other one before it, and may come twice. */

#include <mio_st.h>
#include <mio_st.h>
