//! Writes include/mio_st.h: `cargo run -p mio-st-abi-test`.

mod header;

fn main() {
    if let Err(error) = std::fs::write(header::path(), header::generate()) {
        eprintln!("{}: {error}", header::path().display());
        std::process::exit(1);
    }
}
