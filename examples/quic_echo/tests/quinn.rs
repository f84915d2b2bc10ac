//! The example beside quinn over tokio, which is another driver of the protocol, and has its own sockets. One datagram in
//! a hundred is lost in each direction.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use bytes::Bytes;
use quic_echo::{Asked, Counts, Echo, Loss, Node, self_signed};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use tokio::task::JoinSet;

const LOSS: u64 = 100;

fn numbered(len: usize, from: usize) -> Vec<u8> {
    (0..len).map(|i| ((i / 7) ^ from) as u8).collect()
}

fn trusting(certificate: CertificateDer<'static>) -> Arc<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    Arc::new(roots)
}

/// Serves one connection to its end, bound to every address of IPv4.
fn serve() -> (u16, CertificateDer<'static>, JoinHandle<Counts>) {
    let (send, receive) = channel();
    let thread = std::thread::spawn(move || {
        let (config, certificate) = self_signed().unwrap();
        let server: (_, fn() -> Echo) = (config, Echo::default);
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        let mut node = Node::bind(any, Some(server), Loss::one_of(LOSS)).unwrap();
        send.send((node.local_addr().unwrap().port(), certificate)).unwrap();
        let mut begun = false;
        while !begun || !node.is_idle() {
            node.turn().unwrap();
            begun |= !node.is_idle();
        }
        node.counts
    });
    let (port, certificate) = receive.recv().unwrap();
    (port, certificate, thread)
}

/// A thousand streams bring back a hundred megabytes, from the address that was asked, which is not the one that the
/// system would choose.
#[tokio::test]
async fn quinn_asks() {
    const STREAMS: usize = 1_000;
    const BYTES: usize = 100_000;
    let (port, certificate, server) = serve();
    let asked = if cfg!(target_os = "linux") { [127, 0, 0, 2] } else { [127, 0, 0, 1] };
    let mut endpoint = quinn::Endpoint::client(([127, 0, 0, 1], 0).into()).unwrap();
    let config = quinn::ClientConfig::with_root_certificates(trusting(certificate)).unwrap();
    endpoint.set_default_client_config(config);
    let connection = endpoint.connect((asked, port).into(), "localhost").unwrap().await.unwrap();

    let mut streams = JoinSet::new();
    for i in 0..STREAMS {
        let (mut send, mut receive) = connection.open_bi().await.unwrap();
        streams.spawn(async move {
            let data = numbered(BYTES, i);
            let write = async {
                send.write_all(&data).await.unwrap();
                send.finish().unwrap();
            };
            let ((), back) = tokio::join!(write, receive.read_to_end(BYTES + 1));
            assert!(back.unwrap() == data, "stream {i}");
        });
    }
    while let Some(stream) = streams.join_next().await {
        stream.unwrap();
    }
    let stats = connection.stats();
    connection.close(0_u32.into(), b"");
    endpoint.wait_idle().await;
    let counts = server.join().unwrap();
    println!("{counts:?}\n{:?}", stats.path);
    assert!(counts.lost > 100 && stats.path.lost_packets > 0);
    assert_eq!(counts.complaints, 0);
    if cfg!(target_os = "linux") {
        assert!(counts.with_ecn > counts.received / 2, "{counts:?}");
        assert!(counts.runs > 1_000, "{counts:?}");
        assert!(counts.datagrams > counts.received, "{counts:?}");
    }
}

/// The client of the example, and quinn's server.
#[tokio::test]
async fn quinn_answers() {
    const STREAMS: usize = 200;
    let (config, certificate) = self_signed().unwrap();
    let endpoint = quinn::Endpoint::server(config, ([127, 0, 0, 1], 0).into()).unwrap();
    let address = endpoint.local_addr().unwrap();
    let client = std::thread::spawn(move || {
        let (send, receive) = channel();
        let text = Bytes::from(numbered(50_000, 0));
        let asked = Asked::new(text, STREAMS, Box::new(move |count| send.send(count).unwrap()));
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut node = Node::bind(any, None, Loss::one_of(LOSS)).unwrap();
        let config = quinn::ClientConfig::with_root_certificates(trusting(certificate)).unwrap();
        node.connect(config, address, "localhost", asked).unwrap();
        while !node.is_idle() {
            node.turn().unwrap();
        }
        (receive.try_iter().collect::<Vec<_>>(), node.counts)
    });
    let connection = endpoint.accept().await.unwrap().await.unwrap();
    let mut streams = JoinSet::new();
    while let Ok((mut send, mut receive)) = connection.accept_bi().await {
        streams.spawn(async move {
            let data = receive.read_to_end(1 << 20).await.unwrap();
            send.write_all(&data).await.unwrap();
            send.finish().unwrap();
        });
    }
    let (answered, counts) = client.join().unwrap();
    assert_eq!(answered, [STREAMS]);
    assert!(counts.lost > 10 && counts.complaints == 0, "{counts:?}");
}
