//! Runs of datagrams, and what goes along with a datagram: segments, addresses, traffic class, hops, time.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::{AsRawFd, OwnedFd};
use std::slice;
use std::time::{Duration, SystemTime};

use mio_st::net::{ConnectedUdpSocket, Datagram, Ecn, Transmit, UdpSocket};

const BOTH: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

fn bind(address: &str) -> UdpSocket {
    UdpSocket::bind(address.parse().unwrap()).unwrap()
}

/// A sender, a receiver and its address.
fn pair(address: &str) -> (UdpSocket, UdpSocket, SocketAddr) {
    let (sender, receiver) = (bind(address), bind(address));
    let target = receiver.local_addr().unwrap();
    (sender, receiver, target)
}

/// Receives all that waits: each datagram's bytes. What is sent over loopback is there when sending returns.
fn received(socket: &UdpSocket) -> Vec<Vec<u8>> {
    let mut memory = vec![0; 4 << 16];
    let mut all = Vec::new();
    loop {
        let mut datagrams: Vec<_> = memory.chunks_mut(1 << 16).map(Datagram::new).collect();
        match socket.recv_batch(&mut datagrams) {
            Ok(count) => {
                for datagram in &datagrams[..count] {
                    assert!(!datagram.is_truncated() && !datagram.is_control_truncated());
                    all.extend(datagram.segments().map(<[u8]>::to_vec));
                }
            }
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                return all;
            }
        }
    }
}

fn numbered(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i / 7) as u8).collect()
}

/// Length of the data, size of the segments, and how many datagrams that makes.
const RUNS: &[(usize, usize, usize)] = &[
    (0, 0, 1),
    (0, 100, 1),
    (1, 0, 1),
    (100, 100, 1),
    (100, 200, 1),
    (100, usize::MAX, 1),
    (101, 100, 2),
    (200, 100, 2),
    (64, 1, 64),
    (65, 1, 65),
    (130, 1, 130),
    (12_000, 1_200, 10),
    (12_345, 1_200, 11),
    (65_507, 1_400, 47),
    (100_000, 1_400, 72),
    (100_000, 33_000, 4),
];

// Behaviour 32
#[test]
fn a_run_arrives_as_its_datagrams() {
    for address in BOTH {
        for gro in [false, true] {
            for &(len, size, count) in RUNS {
                let (sender, receiver, target) = pair(address);
                if gro && receiver.set_gro(true).is_err() {
                    assert_ne!(std::env::consts::OS, "linux");
                    continue;
                }
                receiver.set_recv_buffer_size(1 << 20).unwrap();
                let segments = sender.max_segments();
                let data = numbered(len);
                let mut run = Transmit::new(&data).target(target).segment_size(size);
                assert_eq!(run.remaining(), data);
                assert_eq!(sender.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);
                assert!(run.is_sent() && run.remaining().is_empty());
                // What is sent already is not sent again.
                assert_eq!(sender.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);

                let expected: Vec<Vec<u8>> = match size {
                    0 => vec![data.clone()],
                    _ if len == 0 => vec![Vec::new()],
                    _ => data.chunks(size).map(<[u8]>::to_vec).collect(),
                };
                assert_eq!(expected.len(), count);
                assert_eq!(received(&receiver), expected, "{len} by {size}, GRO {gro}");
                // None of them was refused.
                assert_eq!(sender.max_segments(), segments, "{len} by {size}");
            }
        }
    }
}

#[test]
fn many_runs_to_several_targets_keep_their_order() {
    let sender = bind("127.0.0.1:0");
    let receivers: Vec<_> = (0..3).map(|_| bind("127.0.0.1:0")).collect();
    let data = numbered(5_000);
    let mut expected = vec![Vec::new(); 3];
    let mut transmits: Vec<_> = (0..60)
        .map(|i| {
            let (to, size) = (i % 3, [0, 900, 1_000, 5_000][i % 4]);
            let part = &data[i..1_000 + 60 * i];
            let chunks = part.chunks(if size == 0 { part.len() } else { size });
            expected[to].extend(chunks.map(<[u8]>::to_vec));
            Transmit::new(part).target(receivers[to].local_addr().unwrap()).segment_size(size)
        })
        .collect();
    for receiver in &receivers {
        receiver.set_recv_buffer_size(1 << 20).unwrap();
    }
    assert_eq!(sender.send_transmits(&mut transmits).unwrap(), 60);
    for (receiver, expected) in receivers.iter().zip(&expected) {
        assert_eq!(&received(receiver), expected);
    }
    assert_eq!(sender.send_transmits(&mut []).unwrap(), 0);
}

#[test]
fn a_connected_socket_needs_no_target() {
    for address in BOTH {
        let (_, receiver, target) = pair(address);
        let sender = ConnectedUdpSocket::connect(address.parse().unwrap(), target).unwrap();
        receiver.set_recv_traffic_class(true).unwrap();
        let mut transmits = [
            Transmit::new(b"abcde").segment_size(2).ecn(Ecn::Ect1),
            Transmit::new(b"").ecn(Ecn::Ce),
        ];
        assert_eq!(sender.send_transmits(&mut transmits).unwrap(), 2);
        let mut memory = [[0; 8]; 4];
        let mut datagrams: Vec<_> = memory.iter_mut().map(|buffer| Datagram::new(buffer)).collect();
        assert_eq!(receiver.recv_batch(&mut datagrams).unwrap(), 4);
        let seen: Vec<_> = datagrams.iter().map(|d| (d.data(), d.ecn().unwrap())).collect();
        assert_eq!(
            seen,
            [(&b"ab"[..], Ecn::Ect1), (b"cd", Ecn::Ect1), (b"e", Ecn::Ect1), (b"", Ecn::Ce)]
        );
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux {
    use super::*;

    fn set_gro_behind_our_back(socket: &UdpSocket) {
        // SAFETY: the pointer and the length are those of the value.
        let result = unsafe {
            let on: libc::c_int = 1;
            let length = size_of_val(&on) as libc::socklen_t;
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_UDP,
                104,
                (&raw const on).cast(),
                length,
            )
        };
        assert_eq!(result, 0);
    }

    #[test]
    fn a_run_is_one_message_and_says_its_segment_size() {
        for by_us in [true, false] {
            let (sender, receiver, target) = pair("127.0.0.1:0");
            assert_eq!(sender.max_segments(), 64);
            if by_us {
                receiver.set_gro(true).unwrap();
            } else {
                set_gro_behind_our_back(&receiver);
            }
            let data = numbered(2_500);
            let mut run = Transmit::new(&data).target(target).segment_size(1_000);
            assert_eq!(sender.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);
            let mut buffer = [0; 4_096];
            let mut datagrams = [Datagram::new(&mut buffer)];
            assert_eq!(receiver.recv_batch(&mut datagrams).unwrap(), 1);
            let [datagram] = datagrams;
            assert_eq!((datagram.data(), datagram.segment_size()), (&data[..], 1_000));
            let sizes: Vec<_> = datagram.segments().map(<[u8]>::len).collect();
            assert_eq!((sizes, datagram.segments().len()), (vec![1_000, 1_000, 500], 3));
        }
    }

    #[test]
    fn a_run_that_does_not_fit_is_told_of() {
        let (sender, receiver, target) = pair("127.0.0.1:0");
        receiver.set_gro(true).unwrap();
        let mut run = Transmit::new(&[1; 3_000]).target(target).segment_size(1_000);
        sender.send_transmits(slice::from_mut(&mut run)).unwrap();
        let mut buffer = [0; 1_500];
        let mut datagram = Datagram::new(&mut buffer);
        receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
        assert!(datagram.is_truncated());
        let sizes: Vec<_> = datagram.segments().map(<[u8]>::len).collect();
        assert_eq!((datagram.data().len(), sizes), (1_500, vec![1_000, 500]));
    }

    /// With more behind our back than there was room for, the next is complete.
    #[test]
    fn what_came_along_and_had_no_room_is_told_of() {
        let (sender, receiver, target) = pair("127.0.0.1:0");
        let set = |level, name| {
            let on: libc::c_int = 1;
            let length = size_of_val(&on) as libc::socklen_t;
            // SAFETY: the pointer and the length are those of the value.
            let result = unsafe {
                libc::setsockopt(receiver.as_raw_fd(), level, name, (&raw const on).cast(), length)
            };
            assert_eq!(result, 0);
        };
        set(libc::IPPROTO_IP, libc::IP_PKTINFO);
        set(libc::IPPROTO_IP, libc::IP_RECVTOS);
        let mut buffer = [0; 8];
        let mut datagram = Datagram::new(&mut buffer);
        for truncated in [true, false] {
            sender.send_to(b"x", target).unwrap();
            receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
            assert_eq!(datagram.is_control_truncated(), truncated);
            assert_eq!(datagram.ecn().is_some(), !truncated);
        }
        // Of a socket that comes from elsewhere it is all expected from the beginning.
        let receiver = UdpSocket::from(OwnedFd::from(receiver));
        sender.send_to(b"x", target).unwrap();
        receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
        assert!(!datagram.is_control_truncated());
        assert_eq!(datagram.local(), Some(target.ip()));
    }

    /// Without checksums the system cuts nothing, which it says in the middle of a run. Behaviour 32.
    #[test]
    fn a_run_that_is_refused_is_sent_as_a_batch() {
        let (sender, receiver, target) = pair("127.0.0.1:0");
        receiver.set_recv_buffer_size(1 << 20).unwrap();
        let data = numbered(80_000);
        let run = Transmit::new(&data).target(target).segment_size(1_000);
        let expected: Vec<_> = data.chunks(1_000).map(<[u8]>::to_vec).collect();
        sender.send_transmits(&mut [run]).unwrap();
        assert_eq!(received(&receiver), expected);
        assert_eq!(sender.max_segments(), 64);

        let no_checksums: libc::c_int = 1;
        let length = size_of_val(&no_checksums) as libc::socklen_t;
        let value = (&raw const no_checksums).cast();
        // SAFETY: the pointer and the length are those of the value.
        let result = unsafe {
            libc::setsockopt(sender.as_raw_fd(), libc::SOL_SOCKET, libc::SO_NO_CHECK, value, length)
        };
        assert_eq!(result, 0);
        for _ in 0..2 {
            let mut transmits = [Transmit::new(b"before").target(target), run, run.ecn(Ecn::Ect0)];
            assert_eq!(sender.send_transmits(&mut transmits).unwrap(), 3);
            let all = received(&receiver);
            assert_eq!(all[0], b"before");
            assert_eq!(all[1..81], expected);
            assert_eq!(all[81..], expected);
            assert_eq!(sender.max_segments(), 1);
        }
    }

    /// From now on a system call of this thread fails, if its arguments 1 and 2 are these.
    #[cfg(target_arch = "x86_64")]
    fn refuse(call: libc::c_long, arguments: Option<[libc::c_int; 2]>, errno: libc::c_int) {
        const ALLOW: u8 = u8::MAX;
        let statement =
            |code: u32, k: u32| libc::sock_filter { code: code as u16, jt: 0, jf: 0, k };
        let load = |at| statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at);
        let unless = |k: u32| libc::sock_filter {
            jf: ALLOW,
            ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, k)
        };
        let answer = |value| statement(libc::BPF_RET | libc::BPF_K, value);
        // Of a struct seccomp_data: the call's number, and the lower half of an argument.
        let mut program = vec![load(0), unless(call as u32)];
        for (i, argument) in arguments.into_iter().flatten().enumerate() {
            program.extend([load(16 + 8 * (i as u32 + 1)), unless(argument as u32)]);
        }
        program.push(answer(libc::SECCOMP_RET_ERRNO | errno as u32));
        program.push(answer(libc::SECCOMP_RET_ALLOW));
        let end = program.len() - 1;
        for (i, one) in program.iter_mut().enumerate().filter(|(_, one)| one.jf == ALLOW) {
            one.jf = (end - i - 1) as u8;
        }
        let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
        // SAFETY: the program is one, of the length that it says.
        let results = unsafe {
            [
                libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program),
            ]
        };
        assert_eq!(results, [0, 0], "{}", io::Error::last_os_error());
    }

    /// A system that knows no runs is found out before one is sent, which older ones would send as one datagram.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_system_without_runs_is_given_batches() {
        let (sender, receiver, target) = pair("127.0.0.1:0");
        let option = [libc::IPPROTO_UDP, 103];
        refuse(libc::SYS_getsockopt, Some(option), libc::ENOPROTOOPT);
        refuse(libc::SYS_setsockopt, Some(option), libc::ENOPROTOOPT);
        let data = numbered(20_000);
        let expected: Vec<_> = data.chunks(1_000).map(<[u8]>::to_vec).collect();
        let mut run = Transmit::new(&data).target(target).segment_size(1_000);
        assert_eq!(sender.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);
        assert_eq!(sender.max_segments(), 1);
        assert_eq!(received(&receiver), expected);
    }

    /// Every run is one message, which the system refuses from some moment on; several are not refused. Behaviour 32.
    /// (musl's `sendmmsg` is made of `sendmsg`, and would be refused with it.)
    #[test]
    #[cfg(all(target_arch = "x86_64", not(target_env = "musl")))]
    fn runs_that_are_refused_from_now_on_are_sent_as_batches() {
        for errno in [libc::EIO, libc::EINVAL, libc::EMSGSIZE, libc::EOPNOTSUPP] {
            // A thread keeps its filter.
            let thread = std::thread::spawn(move || {
                let (sender, receiver, target) = pair("127.0.0.1:0");
                let data = numbered(30_000);
                let expected: Vec<_> = data.chunks(1_000).map(<[u8]>::to_vec).collect();
                for (round, segments) in [64, 1, 1].into_iter().enumerate() {
                    if round == 1 {
                        refuse(libc::SYS_sendmsg, None, errno);
                    }
                    let mut run = Transmit::new(&data).target(target).segment_size(1_000);
                    assert_eq!(sender.send_transmits(slice::from_mut(&mut run)).unwrap(), 1);
                    assert_eq!(received(&receiver), expected, "{round}");
                    assert_eq!(sender.max_segments(), segments);
                }
            });
            thread.join().unwrap();
        }
    }

    /// What is refused as a batch, too, is an error, of which nothing was sent and nothing is remembered.
    #[test]
    #[cfg(target_arch = "x86_64")]
    fn a_refusal_of_all_is_an_error() {
        let (sender, receiver, target) = pair("127.0.0.1:0");
        assert_eq!(sender.max_segments(), 64);
        refuse(libc::SYS_sendmsg, None, libc::EIO);
        refuse(libc::SYS_sendmmsg, None, libc::EIO);
        let data = numbered(3_000);
        let mut run = Transmit::new(&data).target(target).segment_size(1_000);
        for _ in 0..2 {
            let error = sender.send_transmits(slice::from_mut(&mut run)).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EIO));
            assert_eq!((run.remaining(), run.is_sent()), (&data[..], false));
            assert_eq!(sender.max_segments(), 64);
        }
        assert_eq!(received(&receiver), Vec::<Vec<u8>>::new());
    }

    /// What is refused for another reason does not count as a refusal of runs.
    #[test]
    fn another_mistake_is_not_remembered() {
        let (sender, _, target) = pair("127.0.0.1:0");
        let mut run = [Transmit::new(&[0; 10]).target(target).segment_size(4)];
        let to_nobody = SocketAddr::from(([255, 255, 255, 255], 9));
        let mut broadcast = [Transmit::new(&[0; 10]).target(to_nobody).segment_size(4)];
        let error = sender.send_transmits(&mut broadcast).unwrap_err();
        assert!(!broadcast[0].is_sent() && broadcast[0].remaining().len() == 10, "{error}");
        assert_eq!(sender.max_segments(), 64);
        assert_eq!(sender.send_transmits(&mut run).unwrap(), 1);
    }

    #[test]
    fn dropped_datagrams_are_counted() {
        let (sender, receiver, target) = pair("127.0.0.1:0");
        receiver.set_recv_buffer_size(4_096).unwrap();
        receiver.set_recv_dropped(true).unwrap();
        let full = [0; 1_000];
        for _ in 0..100 {
            sender.send_to(&full, target).unwrap();
        }
        let kept = received(&receiver).len();
        assert!(kept < 100);
        sender.send_to(b"after", target).unwrap();
        let mut buffer = [0; 8];
        let mut datagram = Datagram::new(&mut buffer);
        receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
        assert_eq!(datagram.dropped(), Some(100 - kept as u32));
    }

    #[test]
    fn hop_limits_go_and_come() {
        for address in BOTH {
            let (sender, receiver, target) = pair(address);
            receiver.set_recv_hop_limit(true).unwrap();
            let mut transmits = [
                Transmit::new(b"a").target(target).hop_limit(7),
                Transmit::new(b"b").target(target),
            ];
            assert_eq!(sender.send_transmits(&mut transmits).unwrap(), 2);
            let mut memory = [[0; 8]; 2];
            let mut datagrams: Vec<_> =
                memory.iter_mut().map(|buffer| Datagram::new(buffer)).collect();
            assert_eq!(receiver.recv_batch(&mut datagrams).unwrap(), 2);
            assert_eq!(datagrams[0].hop_limit(), Some(7));
            assert!(datagrams[1].hop_limit().is_some_and(|hops| hops > 7));
        }
    }

    /// There is room for all that can come along with one message: a run, to a socket of both families, that was asked
    /// for everything and has dropped some.
    #[test]
    fn all_that_can_come_along_has_room() {
        let receiver = mio_st::net::UdpSocketBuilder::new()
            .only_v6(false)
            .bind("[::]:0".parse().unwrap())
            .unwrap();
        receiver.set_recv_local(true).unwrap();
        receiver.set_recv_traffic_class(true).unwrap();
        receiver.set_recv_hop_limit(true).unwrap();
        receiver.set_recv_timestamp(true).unwrap();
        receiver.set_recv_dropped(true).unwrap();
        receiver.set_gro(true).unwrap();
        receiver.set_recv_buffer_size(4_096).unwrap();
        let port = receiver.local_addr().unwrap().port();
        for ip in ["127.0.0.2", "::1"] {
            let ip: IpAddr = ip.parse().unwrap();
            let sender = UdpSocket::bind((ip, 0).into()).unwrap();
            for _ in 0..100 {
                sender.send_to(&[0; 1_000], (ip, port).into()).unwrap();
            }
            while !received(&receiver).is_empty() {}
            let run = Transmit::new(&[1; 300]).target((ip, port).into()).segment_size(100);
            sender.send_transmits(&mut [run.ecn(Ecn::Ect0)]).unwrap();
            let mut buffer = [0; 1_000];
            let mut datagram = Datagram::new(&mut buffer);
            receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
            assert!(!datagram.is_truncated() && !datagram.is_control_truncated());
            assert_eq!((datagram.data().len(), datagram.segment_size()), (300, 100));
            assert_eq!((datagram.local(), datagram.ecn()), (Some(ip), Some(Ecn::Ect0)));
            assert!(datagram.hop_limit().is_some() && datagram.interface().is_some());
            assert!(datagram.timestamp().is_some());
            assert!(datagram.dropped().is_some_and(|dropped| dropped > 0));
        }
    }

    /// A batch that is made ready for few, since few came before, has the rest too.
    #[test]
    fn many_after_few_are_one_batch() {
        let (sender, receiver, target) = pair("127.0.0.1:0");
        receiver.set_recv_buffer_size(1 << 20).unwrap();
        let mut memory = [[0; 4]; 64];
        let mut datagrams: Vec<_> = memory.iter_mut().map(|buffer| Datagram::new(buffer)).collect();
        for all in [false, true] {
            receiver.set_recv_hop_limit(all).unwrap();
            for count in [1, 64, 3, 8, 64, 4, 5, 64] {
                for i in 0..count {
                    sender.send_to(&[i], target).unwrap();
                }
                assert_eq!(receiver.recv_batch(&mut datagrams).unwrap(), usize::from(count));
                for (i, datagram) in (0..count).zip(&datagrams) {
                    assert_eq!(datagram.data(), [i]);
                }
            }
        }
    }

    /// A socket of both families, asked by IPv4.
    #[test]
    fn a_dual_stack_socket_tells_all_of_ipv4_too() {
        let echo = mio_st::net::UdpSocketBuilder::new()
            .only_v6(false)
            .bind("[::]:0".parse().unwrap())
            .unwrap();
        echo.set_recv_local(true).unwrap();
        echo.set_recv_traffic_class(true).unwrap();
        echo.set_recv_hop_limit(true).unwrap();
        let port = echo.local_addr().unwrap().port();
        for ip in ["127.0.0.2", "::1"] {
            let ip: IpAddr = ip.parse().unwrap();
            let client = UdpSocket::bind((ip, 0).into()).unwrap();
            client.set_recv_traffic_class(true).unwrap();
            let mut question =
                Transmit::new(b"who?").target((ip, port).into()).traffic_class(0x2e).ecn(Ecn::Ect0);
            client.send_transmits(slice::from_mut(&mut question)).unwrap();

            let mut buffer = [0; 16];
            let mut datagram = Datagram::new(&mut buffer);
            echo.recv_batch(slice::from_mut(&mut datagram)).unwrap();
            assert_eq!(datagram.local(), Some(ip));
            assert_eq!((datagram.traffic_class(), datagram.ecn()), (Some(0x2e), Some(Ecn::Ect0)));
            assert!(datagram.hop_limit().is_some() && datagram.interface().is_some());
            assert!(!datagram.is_multicast());

            let mut answer = Transmit::reply(b"me", &datagram).ecn(Ecn::Ce);
            echo.send_transmits(slice::from_mut(&mut answer)).unwrap();
            let mut buffer = [0; 16];
            let mut datagram = Datagram::new(&mut buffer);
            client.recv_batch(slice::from_mut(&mut datagram)).unwrap();
            assert_eq!(datagram.sender(), Some((ip, port).into()));
            assert_eq!(datagram.ecn(), Some(Ecn::Ce));
        }
    }

    /// The address of a broadcast is none to answer from, whatever the family of the socket. Behaviour 32
    #[test]
    fn a_broadcast_is_told_from_a_datagram_to_one() {
        let dual = mio_st::net::UdpSocketBuilder::new()
            .only_v6(false)
            .bind("[::]:0".parse().unwrap())
            .unwrap();
        for echo in [bind("0.0.0.0:0"), dual] {
            echo.set_recv_local(true).unwrap();
            let port = echo.local_addr().unwrap().port();
            let client = bind("127.0.0.1:0");
            client.set_broadcast(true).unwrap();
            client.send_to(b"anybody?", (Ipv4Addr::new(127, 255, 255, 255), port).into()).unwrap();
            let mut buffer = [0; 16];
            let mut datagram = Datagram::new(&mut buffer);
            echo.recv_batch(slice::from_mut(&mut datagram)).unwrap();
            assert!(datagram.is_multicast());
            assert_eq!(datagram.local(), Some(Ipv4Addr::LOCALHOST.into()));
            let mut answer = Transmit::reply(b"me", &datagram);
            assert_eq!(echo.send_transmits(slice::from_mut(&mut answer)).unwrap(), 1);
            let from = (Ipv4Addr::LOCALHOST, port).into();
            assert_eq!(client.recv_from(&mut [0; 16]).unwrap(), (2, from));
        }
    }
}

/// The wildcard trap: without it the answer comes from another address than was asked. Behaviour 32
#[test]
#[cfg(any(target_os = "linux", target_os = "android"))]
fn an_answer_comes_from_the_address_that_was_asked() {
    for connected in [false, true] {
        let echo = bind("0.0.0.0:0");
        echo.set_recv_local(true).unwrap();
        let port = echo.local_addr().unwrap().port();
        for asked in ["127.0.0.1", "127.0.0.2", "127.9.9.9"] {
            let asked: SocketAddr = (asked.parse::<IpAddr>().unwrap(), port).into();
            let client = bind("127.0.0.1:0");
            client.send_to(b"hello", asked).unwrap();
            let mut buffer = [0; 16];
            let mut datagram = Datagram::new(&mut buffer);
            echo.recv_batch(slice::from_mut(&mut datagram)).unwrap();
            assert_eq!((datagram.local(), datagram.is_multicast()), (Some(asked.ip()), false));
            let mut answer = Transmit::reply(datagram.data(), &datagram);
            assert_eq!(echo.send_transmits(slice::from_mut(&mut answer)).unwrap(), 1);
            let mut buffer = [0; 16];
            if connected {
                // Who is connected hears nobody else.
                assert_eq!(client.connect(asked).unwrap().recv(&mut buffer).unwrap(), 5);
            } else {
                assert_eq!(client.recv_from(&mut buffer).unwrap(), (5, asked));
            }
        }
    }
}

#[test]
fn the_time_is_that_of_the_arrival() {
    let (sender, receiver, target) = pair("127.0.0.1:0");
    receiver.set_recv_timestamp(true).unwrap();
    let before = SystemTime::now() - Duration::from_micros(1);
    sender.send_to(b"x", target).unwrap();
    let mut buffer = [0; 8];
    let mut datagram = Datagram::new(&mut buffer);
    receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
    let after = SystemTime::now();
    let time = datagram.timestamp().unwrap();
    assert!(before <= time && time <= after, "{before:?} {time:?} {after:?}");
}

// Behaviour 32
#[test]
fn what_was_not_asked_for_is_not_there() {
    for address in BOTH {
        let (sender, receiver, target) = pair(address);
        sender.send_to(b"x", target).unwrap();
        let mut buffer = [0; 8];
        let mut datagram = Datagram::new(&mut buffer);
        receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
        assert_eq!(datagram.local(), None);
        assert_eq!(datagram.interface(), None);
        assert_eq!(datagram.ecn(), None);
        assert_eq!(datagram.hop_limit(), None);
        assert_eq!(datagram.timestamp(), None);
        assert_eq!(datagram.dropped(), None);
        assert!(!datagram.is_multicast() && !datagram.is_control_truncated());
        assert_eq!(datagram.segments().collect::<Vec<_>>(), [b"x"]);
    }
}

#[test]
fn asking_can_be_taken_back() {
    let (sender, receiver, target) = pair("127.0.0.1:0");
    for on in [true, false] {
        receiver.set_recv_local(on).unwrap();
        sender.send_to(b"x", target).unwrap();
        let mut buffer = [0; 8];
        let mut datagram = Datagram::new(&mut buffer);
        receiver.recv_batch(slice::from_mut(&mut datagram)).unwrap();
        assert_eq!(datagram.local().is_some(), on);
    }
}

#[test]
fn mistakes_are_errors() {
    let (sender, receiver, target) = pair("127.0.0.1:0");
    let send = |mut transmit: Transmit<'_>| {
        let error = sender.send_transmits(slice::from_mut(&mut transmit)).unwrap_err();
        assert!(!transmit.is_sent());
        error.raw_os_error()
    };
    let one = Transmit::new(b"x");
    assert_eq!(send(one), Some(libc::EDESTADDRREQ));
    let to_v6 = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], target.port()));
    assert_eq!(send(one.target(to_v6)), Some(libc::EAFNOSUPPORT));
    let v6 = IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1]);
    assert_eq!(send(one.target(target).source(v6)), Some(libc::EAFNOSUPPORT));
    // Not an address of this host: TEST-NET-3.
    let foreign = IpAddr::from([203, 0, 113, 7]);
    let error = send(one.target(target).source(foreign));
    assert!(
        matches!(error, Some(libc::EINVAL | libc::ENETUNREACH | libc::EADDRNOTAVAIL)),
        "{error:?}"
    );
    let large = vec![0; 70_000];
    assert_eq!(send(Transmit::new(&large).target(target)), Some(libc::EMSGSIZE));
    assert_eq!(
        send(Transmit::new(&large).target(target).segment_size(66_000)),
        Some(libc::EMSGSIZE)
    );
    assert_eq!(
        send(Transmit::new(&large).target(target).segment_size(65_508)),
        Some(libc::EMSGSIZE)
    );

    // One in the middle: those before it are sent, and the next call says why.
    let mut transmits = [one.target(target), one.target(to_v6), one.target(target)];
    assert_eq!(sender.send_transmits(&mut transmits).unwrap(), 1);
    let error = sender.send_transmits(&mut transmits[1..]).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(libc::EAFNOSUPPORT));
    assert_eq!(sender.send_transmits(&mut transmits[2..]).unwrap(), 1);
    assert_eq!(received(&receiver), [b"x", b"x"]);
    // None of that has spoiled the sending of runs.
    assert_eq!(sender.max_segments() > 1, cfg!(any(target_os = "linux", target_os = "android")));
}

#[test]
fn debug_says_what_it_is() {
    let text = format!("{:?}", Transmit::new(b"abc").segment_size(2));
    assert!(text.starts_with("Transmit") && text.contains("segment_size: 2"), "{text}");
}
