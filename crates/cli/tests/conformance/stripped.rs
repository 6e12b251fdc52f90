//! Somebody on the way who strips TLS: says that the server has none, and passes on what follows.

use std::io;
use std::net::SocketAddr;

use pgkeep_testkit::Instance;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// `SSLRequest` and `GSSENCRequest`: a length of 8, then the code, 1234 and 5679 or 5680.
const REQUESTS: [u64; 2] = [0x8_04d2_162f, 0x8_04d2_1630];

/// One for each instance, for as long as the value lives.
pub(crate) struct Stripped {
    ports: Vec<u16>,
    _runtime: Runtime,
}

impl Stripped {
    /// Where a client meets it; nobody's certificate has this name.
    pub(crate) const HOST: &str = "stripped.example.com";

    pub(crate) fn start<'a>(instances: impl Iterator<Item = &'a Instance>) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let start = |instance: &Instance| {
            let server = SocketAddr::new(instance.address.unwrap(), instance.port);
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
            let port = listener.local_addr().unwrap().port();
            runtime.spawn(serve(listener, server));
            port
        };
        let ports = instances.map(start).collect();
        Self { ports, _runtime: runtime }
    }

    /// The port of the one before a column's instance.
    pub(crate) fn port(&self, column: usize) -> u16 {
        self.ports[column]
    }
}

async fn serve(listener: TcpListener, server: SocketAddr) {
    while let Ok((client, _)) = listener.accept().await {
        tokio::spawn(strip(client, server));
    }
}

async fn strip(mut client: TcpStream, server: SocketAddr) -> io::Result<()> {
    let mut first = client.read_u64().await?;
    while REQUESTS.contains(&first) {
        client.write_all(b"N").await?;
        first = client.read_u64().await?;
    }
    let mut server = TcpStream::connect(server).await?;
    server.write_u64(first).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
