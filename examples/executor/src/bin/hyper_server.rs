//! A web server by hyper on the executor.
//!
//! ```text
//! $ cargo run -p mio-st-executor --bin hyper_server -- 127.0.0.1:8080
//! $ curl http://127.0.0.1:8080/
//! ```

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use mio_st_executor::{Listener, run, sleep, spawn, timeout};

/// For how long a connection may stand.
const LONGEST: Duration = Duration::from_secs(600);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or("127.0.0.1:0".into());
    let address = address.parse().map_err(io::Error::other)?;
    run(serve(address))?
}

async fn serve(address: std::net::SocketAddr) -> io::Result<()> {
    let listener = Listener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    loop {
        match listener.accept().await {
            Ok(stream) => spawn(async {
                let connection = http1::Builder::new().serve_connection(stream, service_fn(greet));
                // An error is of the client's, which has gone, or which speaks no HTTP.
                let _ = timeout(LONGEST, connection).await;
            }),
            // There are too many descriptors, most likely: until one is closed.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn greet(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // A path that sleeps, as an answer that takes a while.
    if request.uri().path() == "/later" {
        sleep(Duration::from_millis(20)).await;
    }
    Ok(Response::new(Full::new(Bytes::from_static(b"hello from hyper\n"))))
}
