//! Remedies that no other test follows: each statement is run as it is printed, with the names that stand
//! in capitals filled in, and then what had failed works.

use windlass_harness::MysqlKind;
use windlass_plugin_mysql::Mysql;
use windlass_sdk::{ChangeRequest, Failure, FailureKind, Login, Plugin, TlsMode};

use crate::world::World;

const KINDS: [MysqlKind; 2] = [MysqlKind::Mariadb, MysqlKind::Mysql];
const PASSWORD: &str = "kX3.vQ9-tLm2";
const NEW: &str = "Zr8.wB4-hNc7";

/// The statement behind `before` in a remedy, up to where the next advice begins.
#[track_caller]
fn statement(failure: &Failure, before: &str) -> String {
    let (_, rest) = failure.remedy.split_once(before).unwrap_or_else(|| panic!("{failure:?}"));
    rest.split("; or").next().unwrap().replace("'HOST'", "'%'").replace("PASSWORD", PASSWORD)
}

/// An account, the request that is refused because of it, and what stands before the statement.
type Row = (&'static str, fn(&World) -> Result<(), Failure>, FailureKind, &'static str);

fn turn(world: &World) -> Result<(), Failure> {
    world.change_by_admin("app_clone", NEW, |request| request.clone_of = Some("app".into()))
}

fn change(world: &World) -> Result<(), Failure> {
    world.change_by_admin("app", NEW, |_| ())
}

fn sign_in(world: &World) -> Result<(), Failure> {
    world.verify("app", PASSWORD)
}

const ROWS: &[Row] = &[
    (
        "CREATE USER app@'%' IDENTIFIED BY 'kX3.vQ9-tLm2' ACCOUNT LOCK",
        turn,
        FailureKind::Declined,
        "as an administrator, run ",
    ),
    (
        "CREATE USER app@'%' IDENTIFIED BY 'kX3.vQ9-tLm2'; CREATE USER app_clone@'10.%'",
        turn,
        FailureKind::Declined,
        "as an administrator, run ",
    ),
];

/// On MariaDB alone an account without a password comes with the server.
const OF_MARIADB: &[Row] = &[
    (
        "CREATE USER app@'%' IDENTIFIED VIA unix_socket",
        turn,
        FailureKind::Declined,
        "the password of the secret: ",
    ),
    (
        "CREATE USER app@'%' IDENTIFIED VIA unix_socket",
        change,
        FailureKind::Declined,
        "the password of the secret: ",
    ),
    (
        "CREATE USER app@'%' IDENTIFIED VIA unix_socket",
        sign_in,
        FailureKind::Declined,
        "the password of the secret: ",
    ),
];

#[test]
fn accounts_that_stand_in_the_way_are_mended_by_the_statement() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        let more = if kind == MysqlKind::Mariadb { OF_MARIADB } else { &[] };
        for (accounts, request, expected, before) in ROWS.iter().chain(more) {
            world.admin("DROP USER IF EXISTS app@'%', app_clone@'%', app_clone@'10.%'");
            world.admin(accounts);
            let failure = request(&world).unwrap_err();
            assert_eq!(failure.kind, *expected, "{accounts}: {failure:?}");
            world.admin(&statement(&failure, before));
            request(&world).unwrap_or_else(|again| panic!("{accounts}: {failure:?}, {again:?}"));
        }
    }
}

#[test]
fn fields_of_a_secret_are_corrected_as_the_remedy_says() {
    for kind in KINDS {
        let Some(world) = World::start(kind, &[]) else { continue };
        world.admin(&format!(
            "CREATE DATABASE shop; CREATE DATABASE hr; CREATE USER app@'%' IDENTIFIED BY '{PASSWORD}'; \
             GRANT SELECT ON shop.* TO app@'%'; CREATE USER app@'10.%' IDENTIFIED BY '{PASSWORD}'"
        ));
        let verify = |database: Option<&str>| {
            let login = world.login("app", PASSWORD, TlsMode::Required);
            Mysql::verify(&Login { database: database.map(str::to_owned), ..login })
        };
        for wrong in ["hr", "gone"] {
            let failure = verify(Some(wrong)).unwrap_err();
            assert_eq!(failure.kind, FailureKind::Declined, "{failure:?}");
            let remedy = "set \"dbname\" in the secret to a database that exists and that the account \
                          may use, or remove it";
            assert_eq!(failure.remedy, remedy);
        }
        verify(Some("shop")).and(verify(None)).unwrap();

        let hosts = |value: &'static str| {
            move |request: &mut ChangeRequest| {
                request.actor.fields = vec![("accountHosts".into(), value.into())];
            }
        };
        let failure = world.change_by_admin("app", NEW, hosts("every")).unwrap_err();
        assert_eq!(failure.remedy, "set it to \"all\", or remove \"accountHosts\"");
        let failure = world.change_by_admin("app", NEW, |_| ()).unwrap_err();
        assert!(failure.remedy.contains("or set \"accountHosts\" to \"all\""), "{failure:?}");
        world.change_by_admin("app", NEW, hosts("all")).unwrap();
        assert!(failure.remedy.starts_with("drop those that are not used"), "{failure:?}");
        world.admin("DROP USER app@'10.%'");
        world.change_by_admin("app", PASSWORD, |_| ()).unwrap();
        sign_in(&world).unwrap();
    }
}
