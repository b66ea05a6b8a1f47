//! Sends what is written to PostgreSQL at once. A statement of some size leaves
//! in several writes (over TLS one a record of 16 KiB); with Nagle's algorithm
//! (RFC 896) the last of them waits until the server has acknowledged the ones
//! before, and it delays that by up to 40 ms (RFC 1122, 4.2.3.2). The driver
//! connects its sockets itself and leaves the algorithm on, so it is turned off
//! at the descriptors of this process, which Linux lists. At the same sockets TCP
//! asks an idle peer for signs of life: what waits for an answer without a deadline
//! (a migration) then hears of a connection that the network forgot.

use std::os::fd::{BorrowedFd, RawFd};
use std::path::Path;
use std::time::Duration;

use rustix::io;
use rustix::net::sockopt::{
    set_socket_keepalive, set_tcp_keepcnt, set_tcp_keepidle, set_tcp_keepintvl, set_tcp_nodelay,
};
use rustix::net::{SocketAddrAny, getpeername};

/// Where Linux lists the descriptors of this process.
const DESCRIPTORS: &str = "/proc/self/fd";

/// A peer that was silent for so long is asked whether it is there.
const ASK_AFTER: Duration = Duration::from_secs(10);
/// How often it is asked, and how long after the last time, until it counts as gone:
/// half a minute in all, which a network that is set up anew has come back within.
const ASKS: u32 = 4;
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Turns Nagle's algorithm off and signs of life on at every TCP connection of this
/// process to `port`, and says at how many. Without the list of descriptors nothing is
/// done: that costs time, and nothing else.
pub(super) fn send_at_once(port: u16) -> usize {
    let listed = std::fs::read_dir(Path::new(DESCRIPTORS)).into_iter().flatten().flatten();
    let numbers = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok());
    numbers.filter(|number| at(*number, port)).count()
}

#[expect(unsafe_code, reason = "the driver does not lend its sockets, so they are found by their numbers")]
fn at(number: RawFd, port: u16) -> bool {
    // SAFETY: the number was open when it was listed. Should it have been closed
    // since, the calls below fail, or meet what took its number; of that only the
    // options of a TCP connection to the same port are ever changed, and nothing is
    // read, written or closed.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    let peer = getpeername(descriptor).ok().flatten();
    peer.is_some_and(|peer| port_of(&peer) == Some(port)) && set(descriptor).is_ok()
}

fn set(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_tcp_nodelay(socket, true)?;
    set_socket_keepalive(socket, true)?;
    set_tcp_keepidle(socket, ASK_AFTER)?;
    set_tcp_keepintvl(socket, ASK_EVERY)?;
    set_tcp_keepcnt(socket, ASKS)
}

fn port_of(peer: &SocketAddrAny) -> Option<u16> {
    std::net::SocketAddr::try_from(peer.clone()).ok().map(|peer| peer.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use rustix::net::sockopt::{socket_keepalive, tcp_keepcnt, tcp_keepidle, tcp_keepintvl};

    use super::*;

    #[test]
    fn connections_to_the_port_send_at_once_and_others_are_left_alone() {
        let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (server, other) = (listen(), listen());
        let connect = |to: &TcpListener| TcpStream::connect(to.local_addr().unwrap()).unwrap();
        let (mine, also_mine, not_mine) = (connect(&server), connect(&server), connect(&other));
        assert_eq!(send_at_once(server.local_addr().unwrap().port()), 2);
        assert!(mine.nodelay().unwrap() && also_mine.nodelay().unwrap());
        assert!(!not_mine.nodelay().unwrap());
        assert!(socket_keepalive(&mine).unwrap() && !socket_keepalive(&not_mine).unwrap());
        let asked =
            (tcp_keepidle(&mine).unwrap(), tcp_keepintvl(&mine).unwrap(), tcp_keepcnt(&mine).unwrap());
        assert_eq!(asked, (ASK_AFTER, ASK_EVERY, ASKS));
    }
}
