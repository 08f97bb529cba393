//! Rotation as Secrets Manager keeps it: who may begin one, and when it is over.
//!
//! The order in which RotateSecret decides:
//! 1. `AWSPENDING` is on a version other than the current one: a rotation is under way. With that
//!    version's own token the request is a repetition and goes on; with any other it is refused.
//! 2. The token is a version already: the current one, then nothing is to be done; any other, refused.
//! 3. Otherwise the token is registered as a version with the label and without a value.
//!
//! A rotation ends when its version becomes current ([`super::labels`]); `AWSPENDING` stays on it,
//! as AWS leaves it.

use super::Effect;
use super::answers::{RotationStart, RotationWork, Touched};
use super::error::{ServiceError, invalid_parameter, invalid_request};
use super::labels::{CURRENT, PENDING};
use super::limits;
use super::moment::Moment;
use super::record::{Content, RotationSetting, Scope, SecretRecord, Unfinished, VersionRecord};
use super::records::Records;
use super::requests::{RotateMode, RotateSecret, RotationTarget, TemporaryValue};

/// What a refused rotation is answered. Whoever runs the steps then keeps the promise.
pub const ROTATION_INCOMPLETE: &str =
    "A previous rotation isn't complete. That rotation will be reattempted.";

/// What a request with this token means now.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    Register,
    Repeated,
    Done,
}

fn standing(secret: &SecretRecord, token: &str) -> Result<Standing, ServiceError> {
    let pending = secret.labels.get(PENDING).map(String::as_str);
    let current = secret.labels.get(CURRENT).map(String::as_str);
    match pending {
        Some(version) if pending != current && version == token => return Ok(Standing::Repeated),
        Some(_) if pending != current => {
            return Err(invalid_request(ROTATION_INCOMPLETE));
        }
        _ => {}
    }
    match secret.version(token) {
        None => Ok(Standing::Register),
        Some(_) if current == Some(token) => Ok(Standing::Done),
        Some(_) => Err(invalid_parameter(format!(
            "You can't use ClientRequestToken {token} because that value is already in use for a \
             version of secret {}.",
            secret.arn
        ))),
    }
}

/// `RotateSecret`, as far as the store goes: whoever calls this runs the steps.
pub(super) fn begin(
    records: &Records<'_>,
    secret: &mut SecretRecord,
    request: &RotateSecret,
    token: &str,
    now: Moment,
) -> Result<RotationStart, ServiceError> {
    let known = secret.rotation.as_ref();
    let lambda_arn =
        request.lambda_arn.clone().or_else(|| known.and_then(|known| known.lambda_arn.clone()));
    if lambda_arn.is_none() && request.target == RotationTarget::ByArn {
        return Err(invalid_request(
            "No Lambda rotation function ARN is associated with this secret.",
        ));
    }
    let standing = standing(secret, token)?;
    let known_run = known.and_then(|known| known.unfinished.clone());
    let scope = match (&known_run, request.mode) {
        // A test stays a test: its version holds what no rotation may make current.
        (Some(run), _) if run.token == token => run.scope,
        (_, RotateMode::AtOnce) => Scope::All,
        (_, RotateMode::TestOnly(_)) => Scope::TestOnly,
    };
    let rules = request.rules.clone().or_else(|| known.and_then(|known| known.rules.clone()));
    let begun = (standing != Standing::Done).then(|| Unfinished { token: token.to_owned(), scope });
    // Nobody could make anything of a test's version, once its rotation is forgotten.
    let forgotten = known_run
        .clone()
        .filter(|run| begun.is_some() && run.token != token && run.scope == Scope::TestOnly);
    let unfinished = begun.or(known_run);
    if let Some(test) = &forgotten {
        secret.forget(test);
    }
    if standing == Standing::Register {
        register(records, secret, token, request.mode, now)?;
    }
    secret.rotation = Some(RotationSetting { enabled: true, lambda_arn, rules, unfinished });
    secret.changed = now;
    let work = match standing {
        Standing::Done => RotationWork::Nothing,
        Standing::Register | Standing::Repeated => work(scope),
    };
    Ok(start(secret, token, work))
}

/// The request's token, with everything checked that needs no secret.
pub(super) fn checked_token(request: &RotateSecret) -> Result<&str, ServiceError> {
    // Unlike its siblings, this action calls a missing token an invalid *parameter*.
    let token = request.token.as_deref().ok_or_else(|| {
        invalid_parameter(
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
        )
    })?;
    limits::token(token)?;
    request.lambda_arn.as_deref().map_or(Ok(()), limits::lambda_arn)?;
    request.rules.as_ref().map_or(Ok(()), limits::rotation_rules)?;
    Ok(token)
}

/// Makes the token a pending version.
fn register(
    records: &Records<'_>,
    secret: &mut SecretRecord,
    token: &str,
    mode: RotateMode,
    now: Moment,
) -> Result<(), ServiceError> {
    let current = secret.labels.get(CURRENT).and_then(|id| secret.version(id));
    let copy = match (mode, current) {
        (RotateMode::TestOnly(TemporaryValue::CopyOfCurrent), Some(current)) => {
            records.value(secret, current)?
        }
        _ => None,
    };
    let content = copy.map_or(Content::Awaited, Content::New);
    secret.versions.push(VersionRecord { id: token.to_owned(), created: now, content });
    secret.attach(PENDING, token, now);
    limits::label_count(secret)?;
    secret.prune(now);
    Ok(())
}

fn work(scope: Scope) -> RotationWork {
    match scope {
        Scope::All => RotationWork::AllSteps,
        Scope::TestOnly => RotationWork::TestOnly,
    }
}

fn start(secret: &SecretRecord, token: &str, work: RotationWork) -> RotationStart {
    let (arn, name) = (secret.arn.clone(), secret.name.clone());
    RotationStart { arn, name, version: token.to_owned(), work }
}

/// The rotation that the refusal of another one promises to attempt again, if the store began it.
pub(super) fn unfinished(secret: &SecretRecord) -> Option<RotationStart> {
    let rotation = secret.rotation.as_ref().filter(|rotation| rotation.enabled)?;
    let unfinished = rotation.unfinished.as_ref()?;
    if secret.labels.get(PENDING) != Some(&unfinished.token) {
        return None;
    }
    Some(start(secret, &unfinished.token, work(unfinished.scope)))
}

/// Takes away what a test put there. Safe to repeat.
pub(super) fn end_test(secret: &mut SecretRecord, token: &str, now: Moment) -> Effect {
    let Some(rotation) = &mut secret.rotation else { return Effect::Unchanged };
    let ours = |run: &mut Unfinished| run.token == token && run.scope == Scope::TestOnly;
    let Some(run) = rotation.unfinished.take_if(ours) else { return Effect::Unchanged };
    secret.forget(&run);
    secret.changed = now;
    Effect::Changed
}

/// `CancelRotateSecret`: rotation is off, labels stay where they are. Only a test's version goes:
/// nobody could make anything of it.
pub(super) fn cancel(
    secret: &mut SecretRecord,
    now: Moment,
) -> Result<(Touched, Effect), ServiceError> {
    let Some(rotation) = &mut secret.rotation else {
        return Err(invalid_request(
            "You can't cancel the rotation of a secret for which rotation was never turned on.",
        ));
    };
    let was_enabled = std::mem::replace(&mut rotation.enabled, false);
    let run = rotation.unfinished.take();
    if let Some(run) = run.as_ref().filter(|run| run.scope == Scope::TestOnly) {
        secret.forget(run);
    }
    let effect = if was_enabled || run.is_some() { Effect::Changed } else { Effect::Unchanged };
    if effect == Effect::Changed {
        secret.changed = now;
    }
    let current = secret.labels.get(CURRENT);
    let version = secret.labels.get(PENDING).filter(|pending| Some(*pending) != current).cloned();
    Ok((secret.touched_version(version), effect))
}

impl SecretRecord {
    /// Removes a test's version with its label.
    fn forget(&mut self, run: &Unfinished) {
        self.labels.retain(|_, version| *version != run.token);
        self.versions.retain(|version| version.id != run.token);
    }
}
