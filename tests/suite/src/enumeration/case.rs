//! One secret under rotation, and what must hold of it.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use super::setup::clone_of;
use super::{Retry, Scene};
use crate::{Login, World};

/// One secret and the rotation of it that is under way.
pub struct Case {
    secret: String,
    base: String,
    token: String,
    /// What was current before the rotation.
    before: Login,
    /// Single user: the password that the server takes.
    in_force: String,
    /// How many sign-ins may have been refused so far, by the candidates that had to be tried.
    allowed: usize,
    /// How many of the refused sign-ins were the witness's, looking for the password in force.
    own: usize,
}

/// One version, as far as anybody may have to know.
struct Version {
    stages: Vec<String>,
    /// `None`: it has no value.
    password: Option<String>,
}

impl Case {
    /// The secret's name.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The rotation's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Allows more refused sign-ins than candidates explain: of a second function, say.
    pub fn allow_more(&mut self, refused: usize) {
        self.allowed += refused;
    }
}

impl Scene {
    /// A new secret whose rotation has just begun.
    ///
    /// # Errors
    /// If it can't be made.
    pub async fn begin(&mut self) -> Result<Case> {
        let made = self.maker.make(&self.world).await?;
        let token = self.world.begin(&made.secret).await?;
        Ok(Case {
            in_force: made.current.password.clone(),
            before: made.current,
            secret: made.secret,
            base: made.base,
            token,
            allowed: 0,
            own: 0,
        })
    }

    /// Goes on as Secrets Manager does.
    ///
    /// # Errors
    /// If it can't.
    pub async fn retry(&mut self, case: &mut Case, retry: Retry) -> Result<()> {
        if retry == Retry::NewToken {
            let secrets = self.world.secrets();
            let by_id = json!({ "SecretId": case.secret });
            secrets.call("CancelRotateSecret", &by_id).await?;
            let current = secrets.version_at(&case.secret, "AWSCURRENT").await?;
            if current.as_deref() != Some(&case.token) {
                let change = json!({
                    "SecretId": case.secret,
                    "VersionStage": "AWSPENDING",
                    "RemoveFromVersionId": case.token,
                });
                secrets.call("UpdateSecretVersionStage", &change).await?;
            }
            return self.begin_next(case).await;
        }
        self.allow(case).await
    }

    /// Begins the next rotation of the secret.
    ///
    /// # Errors
    /// If something blocks it.
    pub async fn begin_next(&mut self, case: &mut Case) -> Result<()> {
        case.before = self.world.current(&case.secret).await?;
        case.token = self.world.begin(&case.secret).await?;
        self.allow(case).await
    }

    /// What must hold at every moment, between a crash and the next attempt as well: the credential
    /// that applications read signs in, and the one that they read before the rotation; where a single
    /// user has one password, one of the secret's versions has it. And no more sign-ins were
    /// refused than there were candidates before the right one.
    pub(super) async fn still_valid(&mut self, case: &mut Case) -> Result<()> {
        if self.maker.setup.alternates() || self.maker.setup.keeps_old() {
            let current = self.world.current(&case.secret).await?;
            ensure!(current.signs_in(&self.server).await?, "AWSCURRENT is refused");
            let before = case.before.signs_in(&self.server).await?;
            ensure!(before, "what was AWSCURRENT is refused");
            case.in_force = current.password;
        } else {
            let candidates = candidates(&self.world, &case.secret).await?;
            let mut found = None;
            for password in candidates.into_iter().filter(|password| !password.is_empty()) {
                if Login::new(&case.base, &password).signs_in(&self.server).await? {
                    found = Some(password);
                    break;
                }
                case.own += 1;
            }
            case.in_force = found.context("the password in force is in no version")?;
        }
        let refused = self.refused(case)?;
        ensure!(refused <= case.allowed, "{refused} refused sign-ins, {} allowed", case.allowed);
        Ok(())
    }

    /// What must hold once a rotation has ended well.
    ///
    /// # Errors
    /// With what does not hold.
    pub async fn invariants(&mut self, case: &mut Case) -> Result<()> {
        let described = json!({ "SecretId": case.secret });
        let described = self.world.secrets().call("DescribeSecret", &described).await?;
        let labels = described.get("VersionIdsToStages").and_then(Value::as_object);
        let has_current = |stages: &Value| {
            stages.as_array().is_some_and(|all| all.iter().any(|one| one == "AWSCURRENT"))
        };
        let current: Vec<_> = labels
            .into_iter()
            .flatten()
            .filter(|(_, stages)| has_current(stages))
            .map(|(version, _)| version)
            .collect();
        ensure!(current == [&case.token], "AWSCURRENT is on {current:?}, not on {}", case.token);

        self.still_valid(case).await?;
        let new = self.world.current(&case.secret).await?;
        if self.maker.setup.alternates() {
            ensure!(new.username != case.before.username, "the same user again");
        } else {
            ensure!(new.password == case.in_force, "AWSCURRENT is refused");
            ensure!(new.username == case.before.username, "another user");
            ensure!(new.password != case.before.password, "the same password again");
        }

        // Nothing is left that blocks the next rotation, or that it would stumble over.
        let refused = self.refused(case)?;
        self.begin_next(case).await?;
        let next = self.attempt(case, None).await?;
        ensure!(next.error.is_none(), "the next rotation failed: {next:?}");
        let refused = self.refused(case)? - refused;
        ensure!(refused == 0, "{refused} sign-ins were refused in the next rotation");
        // Its testSecret has signed in with it.
        case.in_force = self.world.current(&case.secret).await?.password;
        Ok(())
    }

    /// Deletes the secret: hundreds of them in one store would be written with each change.
    ///
    /// # Errors
    /// If the service refuses.
    pub async fn end(&mut self, case: Case) -> Result<()> {
        let delete = json!({ "SecretId": case.secret, "ForceDeleteWithoutRecovery": true });
        self.world.secrets().call("DeleteSecret", &delete).await?;
        Ok(())
    }

    /// That the administrator signs in, and nobody ever changed it.
    ///
    /// # Errors
    /// If that is not so.
    pub async fn administrator_untouched(&self) -> Result<()> {
        let admin = self.server.superuser();
        ensure!(admin.signs_in(&self.server).await?, "the administrator is refused");
        let changes = self.server.password_changes(&admin.username)?;
        ensure!(changes == 0, "somebody changed the administrator {changes} times");
        Ok(())
    }

    /// Allows the coming attempt as many refused sign-ins as there are passwords to be tried before
    /// the one in force: none where that is the current one.
    async fn allow(&self, case: &mut Case) -> Result<()> {
        if self.maker.setup.keeps_old() {
            // Who finds another password in force than the current one looks whether it is the new one.
            case.allowed += 1;
        } else if !self.maker.setup.alternates() {
            let candidates = candidates(&self.world, &case.secret).await?;
            let place = candidates.iter().position(|password| *password == case.in_force);
            case.allowed += place.context("the password in force is in no version")?;
        }
        Ok(())
    }

    /// How often the server refused the function's sign-ins as this account or its clone so far.
    fn refused(&mut self, case: &Case) -> Result<usize> {
        let (refusals, end) = self.server.refusals_from(self.log_read)?;
        self.log_read = end;
        for (user, refused) in refusals {
            *self.refused.entry(user).or_default() += refused;
        }
        let of = |name: &str| self.refused.get(name).copied().unwrap_or_default();
        Ok(of(&case.base) + of(&clone_of(&case.base)) - case.own)
    }
}

/// The passwords of a secret's versions in the order in which a rotation tries them: current,
/// pending, previous, those without a label from the newest. Empty for the pending version while it
/// has none: it will have one that nobody knows yet.
async fn candidates(world: &World, secret: &str) -> Result<Vec<String>> {
    let list = json!({ "SecretId": secret, "IncludeDeprecated": true });
    let listed = world.secrets().call("ListSecretVersionIds", &list).await?;
    let listed = listed.get("Versions").and_then(Value::as_array).context("no `Versions`")?;
    let mut versions = Vec::new();
    for entry in listed {
        let id = entry.get("VersionId").and_then(Value::as_str).context("no `VersionId`")?;
        let stages = entry.get("VersionStages").and_then(Value::as_array);
        let stages = stages.into_iter().flatten().filter_map(Value::as_str);
        let read = json!({ "SecretId": secret, "VersionId": id });
        let password = match world.secrets().call("GetSecretValue", &read).await {
            Ok(answer) => {
                let text = answer.get("SecretString").and_then(Value::as_str);
                let value = serde_json::from_str(text.context("no `SecretString`")?)?;
                Some(Login::from_secret(&value)?.password)
            }
            Err(error) if error.kind() == Some("ResourceNotFoundException") => None,
            Err(error) => bail!(error),
        };
        versions.push(Version { stages: stages.map(str::to_owned).collect(), password });
    }
    // Stable: those without a label stay in their order, from the newest.
    versions.sort_by_key(|version| {
        let order = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"];
        let has = |stage: &&str| version.stages.iter().any(|one| one == stage);
        order.iter().position(has).unwrap_or(order.len())
    });
    let mut candidates = Vec::new();
    for Version { stages, password } in versions {
        let pending = stages.iter().any(|stage| stage == "AWSPENDING");
        if let Some(password) = password.or_else(|| pending.then(String::new))
            && !candidates.contains(&password)
        {
            candidates.push(password);
        }
    }
    Ok(candidates)
}
