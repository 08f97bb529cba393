//! Connections that end before a sign-in count towards `max_connect_errors`, on both servers, and then
//! nobody gets in from that address. From 127.0.0.1 they do not count, so these come from 127.0.0.2.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use windlass_harness::{MariadbOptions, MysqlKind};
use windlass_plugin_mysql::Mysql;
use windlass_sdk::testing::{Stream, dialled};
use windlass_sdk::{Failure, FailureKind, Login, Plugin, TlsInfo, TlsMode};

use crate::world::World;

const PASSWORD: &str = "kX3.vQ9-tLm2";
const ERRORS: usize = 3;

/// A connection whose TLS never succeeds.
#[derive(Debug)]
struct Distrusting(TcpStream);

impl std::io::Read for Distrusting {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.0.read(buffer)
    }
}

impl std::io::Write for Distrusting {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.write(data)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Distrusting {
    fn start_tls(self: Box<Self>) -> Result<(Box<dyn Stream>, TlsInfo), Failure> {
        Err(Failure::tls_failed("the certificate is not trusted"))
    }
}

/// A connection from an address that the server counts.
fn connect(port: u16) -> std::io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stream = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 2], 0)))?;
        socket.connect(SocketAddr::from(([127, 0, 0, 1], port))).await
    })?;
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

fn verify(world: &World, tls: TlsMode) -> Result<(), Failure> {
    let port = world.port();
    let server = dialled(move || Ok(Box::new(Distrusting(connect(port)?)) as Box<dyn Stream>));
    Mysql::verify(&Login { server, ..world.login("app", PASSWORD, tls) })
}

#[test]
fn too_many_connections_that_end_early_are_told_with_what_lets_them_in_again() {
    for kind in [MysqlKind::Mariadb, MysqlKind::Mysql] {
        let errors = format!("--max-connect-errors={ERRORS}");
        let options = vec![errors, "--performance-schema=ON".to_owned()];
        let counting =
            MariadbOptions { resolves_names: true, options, ..MariadbOptions::default() };
        let Some(world) = World::with(MariadbOptions { kind, ..counting }) else { continue };
        world.admin(&format!("CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'"));
        let mut blocked = None;
        for _ in 0..=ERRORS * 2 {
            let failure = verify(&world, TlsMode::Required).unwrap_err();
            if failure.kind != FailureKind::TlsFailed {
                blocked = Some(failure);
                break;
            }
        }
        let failure = blocked.unwrap_or_else(|| panic!("{kind:?} does not count them"));
        assert_eq!((failure.kind, failure.code.as_str()), (FailureKind::Declined, "1129"));
        let statement = match kind {
            MysqlKind::Mysql => "TRUNCATE TABLE performance_schema.host_cache",
            MysqlKind::Mariadb => "FLUSH HOSTS",
        };
        assert!(failure.remedy.contains(statement), "{failure:?}");
        world.admin(statement);
        let failure = verify(&world, TlsMode::Required).unwrap_err();
        assert_eq!(failure.kind, FailureKind::TlsFailed, "{failure}");
    }
}
