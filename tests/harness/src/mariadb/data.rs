//! A new server's data, and whose it is.

use std::fs;
use std::os::unix::fs::chown;
use std::path::Path;

use anyhow::{Context, Result, bail};
use nix::unistd::{Uid, User};

use super::START_LIMIT;
use super::binaries::{Binaries, Kind};
use crate::process::{Launch, describe_exit};

/// Who the server runs as. MariaDB's and MySQL's refuse root unless told by name, and MySQL's
/// programs may lie where only root can read them.
pub(super) struct Owner {
    pub(super) other: Option<User>,
}

impl Owner {
    pub(super) fn choose(kind: Kind) -> Result<Self> {
        if !Uid::effective().is_root() || kind == Kind::Mysql {
            return Ok(Self { other: None });
        }
        let user = User::from_name("mysql").context("looking up the user `mysql`")?;
        Ok(Self { other: Some(user.context("there is no user `mysql` for the server to run as")?) })
    }

    pub(super) fn give(&self, path: &Path) -> Result<()> {
        let Some(user) = &self.other else { return Ok(()) };
        chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
            .with_context(|| format!("giving `{}` to `{}`", path.display(), user.name))
    }

    pub(super) fn launch(&self, launch: Launch) -> Launch {
        let launch = launch.env("LC_ALL", "C");
        match &self.other {
            Some(user) => launch.user(&user.name),
            None if Uid::effective().is_root() => launch.args(["--no-defaults", "--user=root"]),
            None => launch.args(["--no-defaults"]),
        }
    }
}

/// Statements that make the tables of the system, in their order, as `mariadb-install-db` runs them.
const SYSTEM_TABLES: [&str; 6] = [
    "mariadb_system_tables.sql",
    "mariadb_performance_tables.sql",
    "mariadb_system_tables_data.sql",
    "fill_help_tables.sql",
    "maria_add_gis_sp_bootstrap.sql",
    "mariadb_sys_schema.sql",
];

/// What `mariadb-install-db` does, which is a script and can't run through a loader: the server reads the
/// statements, each on a line of its own or from a file of the installation's.
fn bootstrap(binaries: &Binaries, owner: &Owner, directory: &Path) -> Result<Launch> {
    let mut statements = String::from(
        "CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n\
         SET @skip_auth_anonymous=1;\n",
    );
    for name in SYSTEM_TABLES {
        let file = binaries.share().join(name);
        let text = fs::read_to_string(&file);
        statements += &text.with_context(|| format!("reading `{}`", file.display()))?;
    }
    let input = directory.join("system.sql");
    fs::write(&input, statements).with_context(|| format!("writing `{}`", input.display()))?;
    let data = directory.join("data");
    fs::create_dir(&data).with_context(|| format!("making `{}`", data.display()))?;
    owner.give(&data)?;
    let mut launch = binaries.launch("sbin/mariadbd");
    if owner.other.is_some() {
        launch = launch.args(["--no-defaults"]);
    }
    Ok(owner
        .launch(launch)
        .args(binaries.options())
        .arg_pair("--datadir", &data)
        .args(["--bootstrap", "--skip-name-resolve", "--innodb-use-native-aio=0"])
        .reading(&input))
}

/// Makes the data of a new server.
pub(super) async fn initialise(binaries: &Binaries, owner: &Owner, directory: &Path) -> Result<()> {
    let data = format!("--datadir={}", directory.join("data").display());
    let launch = match binaries.kind {
        Kind::Mariadb if binaries.is_unpacked() => bootstrap(binaries, owner, directory)?,
        Kind::Mariadb => {
            let script = binaries.launch("bin/mariadb-install-db");
            let how = ["--no-defaults", "--auth-root-authentication-method=normal"];
            let script = script.args(how).args(["--skip-test-db", &data]).env("LC_ALL", "C");
            match &owner.other {
                Some(user) => script.user(&user.name),
                None => script,
            }
        }
        Kind::Mysql => owner
            .launch(binaries.launch("sbin/mysqld"))
            .args(binaries.options())
            .args([data.as_str(), "--initialize-insecure"]),
    };
    // Not the system's: two servers that are made at once take each other's files for their own.
    let launch = launch.env("TMPDIR", directory);
    let output = launch.finish(START_LIMIT).await?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        bail!("making the data {}: {}", describe_exit(output.status), text.trim());
    }
    Ok(())
}
