//! The artefact: `libmio_st.a` and `libmio_st.so`.

pub use mio_st_capi::*;
