//! Where the programs of MariaDB or MySQL are.
//!
//! MariaDB: `WINDLASS_DEV_MARIADB`, else `/usr`. MySQL: `WINDLASS_DEV_MYSQL`, else the place where a
//! distribution's packages may be unpacked beside the system, which run through their own loader.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::process::Launch;

/// Names a directory to use instead of looking for one; it has `sbin` or `usr/sbin` in it.
const MARIADB: &str = "WINDLASS_DEV_MARIADB";
const MYSQL: &str = "WINDLASS_DEV_MYSQL";

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// MariaDB.
    Mariadb,
    /// Oracle's MySQL.
    Mysql,
}

/// Where MySQL may be unpacked beside the system.
pub(super) fn mysql_place() -> PathBuf {
    let home = env::var_os("HOME").unwrap_or_default();
    Path::new(&home).join(".cache/windlass/mysql")
}

/// One installation.
#[derive(Clone, Debug)]
pub(super) struct Binaries {
    pub(super) kind: Kind,
    /// What `bin`, `sbin` and `share` are in.
    prefix: PathBuf,
    /// The loader and the libraries that it takes, where they are not the system's.
    loader: Option<(PathBuf, PathBuf)>,
}

impl Binaries {
    pub(super) fn find(kind: Kind) -> Result<Self> {
        let (variable, server) = match kind {
            Kind::Mariadb => (MARIADB, "mariadbd"),
            Kind::Mysql => (MYSQL, "mysqld"),
        };
        let root = match (env::var_os(variable), kind) {
            (Some(directory), _) => PathBuf::from(directory),
            (None, Kind::Mariadb) => PathBuf::from("/"),
            (None, Kind::Mysql) => mysql_place(),
        };
        let Some(prefix) = [root.join("usr"), root.clone()]
            .into_iter()
            .find(|it| it.join("sbin").join(server).is_file())
        else {
            bail!("no `sbin/{server}` in `{}`; {variable} names another place", root.display());
        };
        // A whole file system of its own has its own C library as well.
        let libraries = prefix.join("lib/x86_64-linux-gnu");
        let loader = libraries.join("ld-linux-x86-64.so.2");
        let foreign = root != Path::new("/") && loader.is_file();
        Ok(Self { kind, prefix, loader: foreign.then_some((loader, libraries)) })
    }

    /// A program of this installation: `sbin/mariadbd`.
    pub(super) fn launch(&self, program: &str) -> Launch {
        let program = self.prefix.join(program);
        match &self.loader {
            None => Launch::new(program),
            Some((loader, libraries)) => {
                Launch::new(loader.clone()).arg_pair("--library-path", libraries).args([program])
            }
        }
    }

    /// Where the server's own files are, for its command line.
    pub(super) fn options(&self) -> Vec<String> {
        let share = |name: &str| self.prefix.join(name).display().to_string();
        match &self.loader {
            None => Vec::new(),
            Some(_) => vec![
                format!("--basedir={}", self.prefix.display()),
                format!("--plugin-dir={}", share("lib/mysql/plugin")),
                format!("--lc-messages-dir={}", share("share/mysql")),
                format!("--character-sets-dir={}", share("share/mysql/charsets")),
            ],
        }
    }
}
