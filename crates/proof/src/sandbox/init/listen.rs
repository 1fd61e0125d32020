//! The server that pid 1 keeps on the box's loopback interface: notes whether a request held the token, and answers.
//! Reads a bounded beginning of what it is sent, for the token only, and never waits for anybody.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

use super::super::spec::Listener;
use super::{Failed, Step};

/// Connections open at once; the oldest goes for the next.
const CONNECTIONS_COUNT_MAX: usize = 16;
/// Bytes read of one request.
const REQUEST_BYTES_MAX: usize = 8 << 10;

/// The server and who is connected.
pub struct Listening {
    socket: TcpListener,
    token: Vec<u8>,
    answer: Vec<u8>,
    open: Vec<(TcpStream, Vec<u8>)>,
    /// Whether a request held the token.
    pub reached: bool,
}

impl Listening {
    /// Listens from now on.
    pub fn start(asked: &Listener) -> Result<Self, Failed> {
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, asked.port)).step("listen in the box")?;
        socket.set_nonblocking(true).step("listen in the box")?;
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            asked.answer.len()
        );
        let answer = [head.as_bytes(), &asked.answer].concat();
        Ok(Self { socket, token: asked.token.clone().into_bytes(), answer, open: Vec::new(), reached: false })
    }

    /// What is to be waited for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        std::iter::once(self.socket.as_fd()).chain(self.open.iter().map(|(stream, _)| stream.as_fd()))
    }

    /// Takes in what has come; never blocks. What goes wrong with one connection ends that connection.
    pub fn serve(&mut self) {
        while let Ok((stream, _)) = self.socket.accept() {
            if stream.set_nonblocking(true).is_ok() {
                if self.open.len() >= CONNECTIONS_COUNT_MAX {
                    self.open.remove(0);
                }
                self.open.push((stream, Vec::new()));
            }
        }
        let (token, answer) = (&self.token, &self.answer);
        let mut reached = false;
        self.open.retain_mut(|(stream, sent)| {
            let mut part = [0u8; 1_024];
            loop {
                match stream.read(&mut part) {
                    Ok(0) => return false,
                    Ok(count) => sent.extend_from_slice(&part[..count]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => return false,
                }
                if sent.len() >= REQUEST_BYTES_MAX {
                    break;
                }
            }
            reached |= sent.windows(token.len()).any(|window| window == token.as_slice());
            let whole = sent.windows(4).any(|window| window == b"\r\n\r\n") || sent.len() >= REQUEST_BYTES_MAX;
            if whole {
                let _ = stream.write(answer);
            }
            !whole
        });
        self.reached |= reached;
    }
}
