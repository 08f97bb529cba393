//! Failed sign-ins are counted, because services lock accounts that have too many.
//!
//! An attempt tries each known password at most once. Secrets Manager attempts a failed rotation
//! again and again, mostly on the same instance of the function, so the bound holds over all the
//! attempts that one process makes: after [`REFUSED_LIMIT`] refusals of an account nothing signs in
//! as it until [`WINDOW`] has passed since the first. A sign-in that works clears the count, as it
//! does in the services.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::candidates::ORPHANS_TRIED;
use super::service::{CallError, FailureKind, Login};

/// Refusals of one account that are risked: the most that one attempt needs, which tries the current
/// password, the pending one twice, the previous one and those of abandoned rotations: nine.
/// Policies usually lock at ten.
pub const REFUSED_LIMIT: u32 = 4 + ORPHANS_TRIED;

/// How long refusals count. The usual time after which policies forget them is 30 minutes or less.
pub const WINDOW: Duration = Duration::from_mins(30);

/// The refusals of this process, by account.
#[derive(Debug, Default)]
pub struct SignIns(Mutex<HashMap<Account, Refusals>>);

/// Host in lower case, port, user.
type Account = (String, u16, String);

#[derive(Debug)]
struct Refusals {
    count: u32,
    since: SystemTime,
}

impl SignIns {
    /// How often the account was refused, where that is too often for another attempt.
    pub(super) fn exhausted(&self, login: &Login) -> Option<u32> {
        let refusals = self.lock();
        let refusals = refusals.get(&account(login)).filter(|refusals| refusals.count_still())?;
        (refusals.count >= REFUSED_LIMIT).then_some(refusals.count)
    }

    /// Takes note of how a sign-in ended.
    pub(super) fn note(&self, login: &Login, answer: &Result<(), CallError>) {
        let mut all = self.lock();
        match answer {
            Ok(()) => {
                all.remove(&account(login));
            }
            Err(CallError::Failed(failure)) if failure.kind == FailureKind::Refused => {
                all.retain(|_, refusals| refusals.count_still());
                let fresh = || Refusals { count: 0, since: SystemTime::now() };
                all.entry(account(login)).or_insert_with(fresh).count += 1;
            }
            // Whether the service saw a password is not known; it refused none.
            Err(_) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Account, Refusals>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusals {
    /// By the wall clock: the other one stands still while Lambda freezes the process. One that was
    /// set back makes the wait longer, never shorter.
    fn count_still(&self) -> bool {
        self.since.elapsed().map_or(true, |elapsed| elapsed < WINDOW)
    }
}

fn account(login: &Login) -> Account {
    (login.place.host.to_ascii_lowercase(), login.place.port, login.username.clone())
}

#[cfg(test)]
mod tests {
    use super::super::service::{Failure, Place, Proof, TlsMode};
    use super::*;
    use crate::secret::Secret;

    fn login(host: &str, username: &str) -> Login {
        Login {
            place: Place { host: host.into(), port: 1 },
            username: username.into(),
            password: Secret::new("x".into()),
            database: None,
            tls: TlsMode::Required,
            proof: Proof::Accepted,
            fields: Vec::new(),
            named_places: Vec::new(),
        }
    }

    fn failed(kind: FailureKind) -> Result<(), CallError> {
        Err(CallError::Failed(Failure { kind, code: String::new(), message: String::new() }))
    }

    #[test]
    fn only_refusals_of_this_account_count_and_a_success_clears_them() {
        let sign_ins = SignIns::default();
        let app = login("db", "app");
        for _ in 1..REFUSED_LIMIT {
            sign_ins.note(&app, &failed(FailureKind::Refused));
            sign_ins.note(&app, &failed(FailureKind::Unreachable));
        }
        assert_eq!(sign_ins.exhausted(&app), None);
        sign_ins.note(&login("DB", "app"), &failed(FailureKind::Refused));
        assert_eq!(sign_ins.exhausted(&app), Some(REFUSED_LIMIT));
        assert_eq!(sign_ins.exhausted(&login("db", "other")), None);
        assert_eq!(sign_ins.exhausted(&login("db2", "app")), None);
        sign_ins.note(&app, &Ok(()));
        assert_eq!(sign_ins.exhausted(&app), None);
    }

    #[test]
    fn refusals_are_forgotten_after_their_time() {
        let sign_ins = SignIns::default();
        let app = login("db", "app");
        let long_ago = SystemTime::now() - WINDOW;
        let refusals = Refusals { count: REFUSED_LIMIT, since: long_ago };
        sign_ins.lock().insert(account(&app), refusals);
        assert_eq!(sign_ins.exhausted(&app), None);
        sign_ins.note(&app, &failed(FailureKind::Refused));
        assert_eq!(sign_ins.lock()[&account(&app)].count, 1, "counted from the start");
    }
}
