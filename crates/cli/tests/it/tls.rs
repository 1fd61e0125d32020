//! HTTPS in front of a server, as an operator's own proxy gives it: with a certificate that only an authority of the
//! test vouches for.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Largest piece that is passed on at once, in bytes.
const PIECE_BYTES: usize = 16_384;

/// A listener that speaks TLS, and passes all on to a server.
pub struct Front {
    /// Where it listens.
    pub base: String,
    /// The file of the authority that vouches for it.
    pub ca: PathBuf,
}

impl Front {
    /// Opens one in front of `base`, and writes its authority below `folder`.
    pub fn open(base: &str, folder: &Path) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let own = own.signed_by(&key, &authority).unwrap();
        let ca = folder.join("ca.pem");
        std::fs::write(&ca, authority.pem()).unwrap();

        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.der().clone()], key)
            .unwrap();
        let (config, server) = (Arc::new(config), base.strip_prefix("http://").unwrap().to_owned());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        std::thread::spawn(move || {
            for outside in listener.incoming().map_while(Result::ok) {
                let (config, server) = (config.clone(), server.clone());
                // A client that trusts nobody here breaks off: that is its right.
                std::thread::spawn(move || passed_on(outside, config, &server));
            }
        });
        Self { base, ca }
    }
}

/// Passes bytes both ways until one side is done.
fn passed_on(outside: TcpStream, config: Arc<ServerConfig>, server: &str) -> io::Result<()> {
    let mut inside = TcpStream::connect(server)?;
    let mut outside = StreamOwned::new(ServerConnection::new(config).map_err(io::Error::other)?, outside);
    outside.conn.complete_io(&mut outside.sock)?;
    for side in [&inside, &outside.sock] {
        side.set_read_timeout(Some(Duration::from_millis(2)))?;
        side.set_nodelay(true)?;
    }
    loop {
        if !piece_pass(&mut outside, &mut inside)? || !piece_pass(&mut inside, &mut outside)? {
            return Ok(());
        }
    }
}

/// False at the end of what there is to read.
fn piece_pass(from: &mut impl Read, to: &mut impl Write) -> io::Result<bool> {
    let mut piece = [0; PIECE_BYTES];
    match from.read(&mut piece) {
        Ok(0) => Ok(false),
        Ok(n) => to.write_all(&piece[..n]).and_then(|()| to.flush()).map(|()| true),
        Err(e) if [io::ErrorKind::WouldBlock, io::ErrorKind::TimedOut].contains(&e.kind()) => Ok(true),
        Err(e) => Err(e),
    }
}
