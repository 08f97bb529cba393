//! The set-ups in which a rotation is enumerated, made without a rotation: hundreds of them.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{Login, Server, World};

/// Accounts are made so many at once.
const BATCH: usize = 50;

/// What is rotated, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    /// The user changes its own password.
    SingleUser,
    /// An administrator changes it.
    SingleUserByAdmin,
    /// Alternating users, first turn: the clone does not exist yet.
    CloneIsNew,
    /// Alternating users, second turn: from the clone back to the base.
    BackToBase,
    /// Alternating users, third turn: to a clone that exists.
    CloneExists,
    /// The user changes its own password, and the previous one stays valid.
    DualPassword,
    /// An administrator changes it so.
    DualPasswordByAdmin,
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SingleUser => "single-user",
            Self::SingleUserByAdmin => "single-user by admin",
            Self::CloneIsNew => "alternating, the clone is new",
            Self::BackToBase => "alternating, back to the base",
            Self::CloneExists => "alternating, the clone exists",
            Self::DualPassword => "dual-password",
            Self::DualPasswordByAdmin => "dual-password by admin",
        })
    }
}

impl Setup {
    /// Those of every engine.
    pub const ALL: [Self; 5] = [
        Self::SingleUser,
        Self::SingleUserByAdmin,
        Self::CloneIsNew,
        Self::BackToBase,
        Self::CloneExists,
    ];

    /// Whether two users take turns.
    #[must_use]
    pub fn alternates(self) -> bool {
        matches!(self, Self::CloneIsNew | Self::BackToBase | Self::CloneExists)
    }

    /// Whether the previous password stays valid.
    #[must_use]
    pub fn keeps_old(self) -> bool {
        matches!(self, Self::DualPassword | Self::DualPasswordByAdmin)
    }

    pub(super) fn has_admin(self) -> bool {
        !matches!(self, Self::SingleUser | Self::DualPassword)
    }
}

/// Where accounts and secrets of one set-up come from.
pub(super) struct Maker {
    pub(super) setup: Setup,
    /// What their names begin with.
    prefix: String,
    /// The port in their secrets.
    port: u16,
    server: Server,
    admin: Option<String>,
    used: usize,
}

/// An account, or a pair of them, and its secret.
pub(super) struct Made {
    pub(super) secret: String,
    /// The base of a pair.
    pub(super) base: String,
    /// What is current now.
    pub(super) current: Login,
}

impl Maker {
    pub(super) async fn new(
        world: &World,
        server: &Server,
        setup: Setup,
        prefix: &str,
        port: u16,
    ) -> Result<Self> {
        let admin = if setup.has_admin() {
            let name = format!("{prefix}/admin");
            Some(world.create_admin_secret_of(server, &name, port).await?)
        } else {
            None
        };
        let server = server.clone();
        Ok(Self { setup, prefix: prefix.to_owned(), port, server, admin, used: 0 })
    }

    /// The next one.
    pub(super) async fn make(&mut self, world: &World) -> Result<Made> {
        if self.used.is_multiple_of(BATCH) {
            self.accounts().await?;
        }
        let base = self.name(self.used);
        self.used += 1;
        let (own, clone) = (first_login(&base), first_login(&clone_of(&base)));
        // A pair has had its turns: each is a version.
        let (versions, strategy): (&[&Login], _) = match self.setup {
            Setup::SingleUser => (&[&own], None),
            Setup::SingleUserByAdmin => (&[&own], Some("single-user")),
            Setup::CloneIsNew => (&[&own], None),
            Setup::BackToBase => (&[&own, &clone], None),
            Setup::CloneExists => (&[&clone, &own], None),
            Setup::DualPassword | Setup::DualPasswordByAdmin => (&[&own], Some("dual-password")),
        };
        let secret = format!("{base}/secret");
        let mut current = None;
        for login in versions {
            let mut value = self.server.secret_at(login, self.port);
            if let (Some(admin), Some(members)) = (&self.admin, value.as_object_mut()) {
                members.insert("masterarn".to_owned(), Value::from(admin.as_str()));
            }
            if current.is_none() {
                world.create_secret(&secret, &value).await?;
            } else {
                let input = json!({ "SecretId": secret, "SecretString": value.to_string() });
                world.secrets().call("PutSecretValue", &input).await?;
            }
            current = Some((*login).clone());
        }
        if let Some(strategy) = strategy {
            world.tag(&secret, "windlass:strategy", strategy).await?;
        }
        Ok(Made { secret, base, current: current.context("a secret without a version")? })
    }

    fn name(&self, number: usize) -> String {
        format!("{}_{number}", self.prefix)
    }

    /// As a rotation would have left them.
    async fn accounts(&self) -> Result<()> {
        let has_clone = matches!(self.setup, Setup::BackToBase | Setup::CloneExists);
        let pairs: Vec<_> = (self.used..self.used + BATCH)
            .map(|number| self.name(number))
            .map(|base| (first_login(&base), has_clone.then(|| first_login(&clone_of(&base)))))
            .collect();
        self.server.accounts(&pairs).await?;
        if self.setup == Setup::DualPassword {
            let names: Vec<_> = pairs.iter().map(|(own, _)| own.username.clone()).collect();
            self.server.let_keep(&names).await?;
        }
        Ok(())
    }
}

pub(super) fn clone_of(base: &str) -> String {
    format!("{base}_clone")
}

fn first_login(name: &str) -> Login {
    Login::made_up(name)
}
