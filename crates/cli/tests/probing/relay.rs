//! Somebody on the way to a server who passes everything on, and notes each connection: what a
//! probe says of its own number and pace is held against that.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{io, thread};

pub(crate) struct Relay {
    pub(crate) addr: SocketAddr,
    connected: Arc<Mutex<Vec<Instant>>>,
}

impl Relay {
    /// Its threads end with the process.
    pub(crate) fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let connected = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&connected);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                noted.lock().unwrap().push(Instant::now());
                let server = TcpStream::connect(server).unwrap();
                pass_on(client.try_clone().unwrap(), server.try_clone().unwrap());
                pass_on(server, client);
            }
        });
        Self { addr, connected }
    }

    /// When connections were made since the last call, in their order.
    pub(crate) fn take(&self) -> Vec<Instant> {
        std::mem::take(&mut self.connected.lock().unwrap())
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        // That either side leaves is no matter of the relay's.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}
