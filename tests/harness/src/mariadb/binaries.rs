//! Where the programs of MariaDB or MySQL are.
//!
//! MariaDB: `WINDLASS_DEV_MARIADB`, else `/usr`. MySQL: `WINDLASS_DEV_MYSQL`, else where
//! `cargo xtask setup` has unpacked another distribution's packages beside the system. Other versions of
//! MariaDB are there, too. What is unpacked runs through its own loader.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::process::Launch;
use crate::unpacked;

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

/// Where MySQL, or a version of MariaDB, is unpacked beside the system.
pub(super) fn place(kind: Kind, version: Option<&str>) -> PathBuf {
    match (kind, version) {
        (Kind::Mysql, _) => unpacked::place("mysql"),
        (Kind::Mariadb, version) => unpacked::place("mariadb").join(version.unwrap_or_default()),
    }
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
    /// The installation of this version; without one, the system's or what the environment names.
    pub(super) fn find(kind: Kind, version: Option<&str>) -> Result<Self> {
        let (variable, server) = match kind {
            Kind::Mariadb => (MARIADB, "mariadbd"),
            Kind::Mysql => (MYSQL, "mysqld"),
        };
        let root = match (env::var_os(variable), kind) {
            _ if version.is_some() => place(kind, version),
            (Some(directory), _) => PathBuf::from(directory),
            (None, Kind::Mariadb) => PathBuf::from("/"),
            (None, Kind::Mysql) => place(kind, None),
        };
        let Some(prefix) = [root.join("usr"), root.clone()]
            .into_iter()
            .find(|it| it.join("sbin").join(server).is_file())
        else {
            bail!(
                "no `sbin/{server}` in `{}`: run `cargo xtask setup`, or set {variable}",
                root.display()
            );
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

    /// Whether it runs through a loader of its own: its scripts don't.
    pub(super) fn is_unpacked(&self) -> bool {
        self.loader.is_some()
    }

    /// Where messages, character sets and statements are.
    pub(super) fn share(&self) -> PathBuf {
        let new = self.prefix.join("share/mariadb");
        if new.join("charsets").is_dir() { new } else { self.prefix.join("share/mysql") }
    }

    /// Where the server's own files are, for its command line.
    pub(super) fn options(&self) -> Vec<String> {
        let share = self.share();
        match &self.loader {
            None => Vec::new(),
            Some(_) => vec![
                format!("--basedir={}", self.prefix.display()),
                format!("--plugin-dir={}", self.prefix.join("lib/mysql/plugin").display()),
                format!("--lc-messages-dir={}", share.display()),
                format!("--character-sets-dir={}", share.join("charsets").display()),
            ],
        }
    }
}
