//! Failed sign-ins are counted, because services lock accounts that have too many.
//!
//! An attempt tries each known password at most once. Secrets Manager attempts a failed rotation
//! again and again, mostly on the same instance of the function, so the bound holds over all the
//! attempts that one process makes, for [`WINDOW`] after the last refusal. A sign-in that works clears
//! the count of its account, as it does in the services.
//!
//! Several secrets may name one account, and not everybody who writes one means well: a wrong
//! password in one secret must neither lock the account nor stop the rotation of the secret that has
//! the right one. So refusals are counted by account and by secret, and a sign-in is permitted while
//! the account was refused less often than this:
//!
//! | the secret | its first try | after a refusal of its own |
//! |---|---|---|
//! | signed in as this account in this process | 9 | 8 |
//! | was rotated before, for whichever account | 9 | 7 |
//! | was only written, or is an administrator's: nothing vouches for its password | 8 | 5 |
//!
//! The first try of a secret is its `AWSCURRENT` password. However many secrets there are, the
//! account is refused nine times at most; policies usually lock at ten. And one secret is refused nine
//! times at most, whatever accounts it names: a server has more names than anybody here can know to
//! be one, and each would be an account of its own.

use super::ports::{CallError, Failure, FailureKind, Login, SecretId};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::traces::Traces;

/// How many passwords of orphaned versions are tried, newest first. Each is one failed sign-in
/// more, and policies that lock accounts usually count to ten: with current, pending twice and
/// previous this makes eight, and one is left for another secret of the account. Four cover four
/// rotations in a row that were abandoned half-way.
pub(super) const ORPHANS_TRIED: u32 = 4;

/// Refusals of one account that are risked for one secret: the most that one attempt needs, which
/// tries the current password, the pending one twice, the previous one and those of abandoned
/// rotations: eight.
pub const REFUSED_LIMIT: u32 = 4 + ORPHANS_TRIED;

/// The same for a secret that was rotated, but did not sign in as this account in this process: since
/// then, it may have been written for another. Less by one, so that the first try of any other secret
/// is left, and enough to try every password once.
const ROTATED_LIMIT: u32 = REFUSED_LIMIT - 1;

/// The same for a secret that nothing vouches for. Its first rotation may have been abandoned three
/// times: current, pending, and two abandoned passwords before the one in force.
const UNVOUCHED_LIMIT: u32 = 5;

/// How many more there may be for the first try of a secret.
const FIRST_TRY: u32 = 1;

/// How long refusals count, after the last one. The usual time after which policies forget them is 30
/// minutes or less.
pub const WINDOW: Duration = Duration::from_mins(30);

/// How many secrets are remembered to have signed in. Beyond that all are forgotten, which makes
/// them secrets that were only written.
const REMEMBERED: usize = 4096;

/// The refusals of this process, and what else its sign-ins showed.
#[derive(Debug, Default)]
pub struct SignIns {
    known: Mutex<Known>,
    /// Which passwords they were of.
    pub(super) traces: Traces,
}

#[derive(Debug, Default)]
struct Known {
    refused: HashMap<Account, Refusals>,
    /// Secrets that signed in as an account.
    signed_in: HashSet<(SecretId, Account)>,
}

/// Host in one spelling, port, user.
type Account = (String, u16, String);

#[derive(Debug)]
struct Refusals {
    /// By secret.
    counts: HashMap<SecretId, OfSecret>,
    /// When the last one was.
    since: SystemTime,
}

/// Those with passwords of one secret.
#[derive(Debug)]
struct OfSecret {
    count: u32,
    /// What the service said last.
    last: Failure,
}

/// Who has no further tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhausted {
    /// The account, refused so often with passwords of whichever secrets.
    Account(u32),
    /// The secret, refused so often as whichever accounts.
    Secret(u32),
}

impl SignIns {
    /// What was refused too often for another attempt, and how often.
    pub(super) fn exhausted(&self, login: &Login) -> Option<Exhausted> {
        let known = self.lock();
        let (account, secret) = (account(login), &login.secret.id);
        let of_account = known.refused.get(&account).filter(|refusals| refusals.count_still());
        let first_try = of_account.is_none_or(|refusals| !refusals.counts.contains_key(secret));
        let signed_in = known.signed_in.contains(&(secret.clone(), account));
        let limit = match (signed_in, login.secret.rotated, first_try) {
            (true, _, true) | (_, true, true) => REFUSED_LIMIT + FIRST_TRY,
            (true, _, false) | (false, false, true) => REFUSED_LIMIT,
            (false, true, false) => ROTATED_LIMIT,
            (false, false, false) => UNVOUCHED_LIMIT,
        };
        let total = of_account.map_or(0, Refusals::total);
        if total >= limit {
            return Some(Exhausted::Account(total));
        }
        let counting = known.refused.values().filter(|refusals| refusals.count_still());
        let of_secret: u32 = counting
            .filter_map(|refusals| refusals.counts.get(secret))
            .map(|of_secret| of_secret.count)
            .sum();
        (of_secret >= REFUSED_LIMIT + FIRST_TRY).then_some(Exhausted::Secret(of_secret))
    }

    /// What the service said last of a password of this secret, as this account. What it said of others
    /// is not this secret's business.
    pub(super) fn last_answer(&self, login: &Login) -> Option<Failure> {
        let known = self.lock();
        let refusals = known.refused.get(&account(login))?;
        refusals.counts.get(&login.secret.id).map(|of_secret| of_secret.last.clone())
    }

    /// Takes note of how a sign-in ended.
    pub(super) fn note<T>(&self, login: &Login, answer: &Result<T, CallError>) {
        let mut known = self.lock();
        match answer {
            Ok(_) => {
                known.refused.remove(&account(login));
                if known.signed_in.len() >= REMEMBERED {
                    known.signed_in.clear();
                }
                known.signed_in.insert((login.secret.id.clone(), account(login)));
            }
            Err(CallError::Failed(failure)) if failure.kind == FailureKind::Refused => {
                known.refused.retain(|_, refusals| refusals.count_still());
                let refusals = known.refused.entry(account(login)).or_default();
                refusals.since = SystemTime::now();
                let of_secret = refusals.counts.entry(login.secret.id.clone());
                let of_secret =
                    of_secret.or_insert_with(|| OfSecret { count: 0, last: failure.clone() });
                of_secret.count += 1;
                of_secret.last.clone_from(failure);
            }
            // Whether the service saw a password is not known; it refused none.
            Err(_) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self { counts: HashMap::new(), since: SystemTime::now() }
    }
}

impl Refusals {
    /// By the wall clock: the other one stands still while Lambda freezes the process. One that was
    /// set back makes the wait longer, never shorter.
    fn count_still(&self) -> bool {
        self.since.elapsed().map_or(true, |elapsed| elapsed < WINDOW)
    }

    fn total(&self) -> u32 {
        self.counts.values().map(|of_secret| of_secret.count).sum()
    }
}

fn account(login: &Login) -> Account {
    let host = login.place.host.to_ascii_lowercase();
    let host = host.trim_end_matches('.');
    let address = host.parse::<IpAddr>().map(|address| address.to_canonical().to_string());
    let host = address.unwrap_or_else(|_| host.to_owned());
    (host, login.place.port, login.username.clone())
}

#[cfg(test)]
mod tests {
    use super::super::ports::{Proof, SecretRef, TlsMode};
    use super::*;
    use crate::host_port::HostPort;
    use crate::secret::Secret;

    fn login(secret: &str, host: &str, username: &str) -> Login {
        Login {
            secret: SecretRef { id: SecretId::new(secret), rotated: false },
            place: HostPort { host: host.into(), port: 1 },
            username: username.into(),
            password: Secret::new("x".into()),
            database: None,
            tls: TlsMode::Required,
            proof: Proof::Accepted,
            fields: Vec::new(),
            named_places: Vec::new(),
        }
    }

    fn rotated(secret: &str) -> Login {
        let secret = SecretRef { id: SecretId::new(secret), rotated: true };
        Login { secret, ..login("", "db", "app") }
    }

    fn failed(kind: FailureKind) -> Result<(), CallError> {
        Err(CallError::Failed(Failure {
            kind,
            code: String::new(),
            message: String::new(),
            remedy: String::new(),
        }))
    }

    /// Refuses a login for as long as it may try; returns how often that was.
    fn refuse(sign_ins: &SignIns, login: &Login) -> u32 {
        let mut count = 0;
        while sign_ins.exhausted(login).is_none() {
            sign_ins.note(login, &failed(FailureKind::Refused));
            count += 1;
            assert!(count < 100, "without end");
        }
        count
    }

    #[test]
    fn only_refusals_of_this_account_count_and_a_success_clears_them() {
        let sign_ins = SignIns::default();
        let app = rotated("s");
        sign_ins.note(&app, &Ok(()));
        for _ in 1..REFUSED_LIMIT {
            sign_ins.note(&app, &failed(FailureKind::Refused));
            sign_ins.note(&app, &failed(FailureKind::Unreachable));
        }
        assert_eq!(sign_ins.exhausted(&app), None);
        sign_ins.note(&login("s", "DB", "app"), &failed(FailureKind::Refused));
        assert_eq!(sign_ins.exhausted(&app), Some(Exhausted::Account(REFUSED_LIMIT)));
        assert_eq!(sign_ins.exhausted(&login("s", "db", "other")), None);
        assert_eq!(sign_ins.exhausted(&login("s", "db2", "app")), None);
        sign_ins.note(&app, &Ok(()));
        assert_eq!(sign_ins.exhausted(&app), None);
    }

    #[test]
    fn one_secret_does_not_use_up_the_tries_of_another() {
        for honest in [rotated("honest"), login("honest", "db", "app")] {
            let sign_ins = SignIns::default();
            assert_eq!(refuse(&sign_ins, &login("evil", "db", "app")), UNVOUCHED_LIMIT);
            assert_eq!(sign_ins.exhausted(&honest), None, "its AWSCURRENT is tried");
            sign_ins.note(&honest, &Ok(()));
            assert_eq!(sign_ins.exhausted(&honest), None);
        }
        // An evil secret that has been rotated for another account before.
        let sign_ins = SignIns::default();
        assert_eq!(refuse(&sign_ins, &rotated("evil")), ROTATED_LIMIT);
        assert_eq!(sign_ins.exhausted(&rotated("honest")), None);
        assert_eq!(sign_ins.exhausted(&login("new, or an administrator's", "db", "app")), None);
    }

    #[test]
    fn however_many_secrets_there_are_the_account_is_not_locked() {
        let sign_ins = SignIns::default();
        let mut refused = 0;
        for number in 0..20 {
            refused += refuse(&sign_ins, &login(&format!("evil-{number}"), "db", "app"));
        }
        assert_eq!(refused, REFUSED_LIMIT);
        let honest = rotated("honest");
        assert_eq!(
            sign_ins.exhausted(&honest),
            None,
            "the last try is for a secret that was rotated"
        );
        refused += refuse(&sign_ins, &honest);
        for number in 0..20 {
            refused += refuse(&sign_ins, &rotated(&format!("evil-{number}")));
        }
        assert_eq!(refused, REFUSED_LIMIT + FIRST_TRY);
        assert!(refused < 10, "policies lock at ten");
    }

    #[test]
    fn a_secret_has_no_more_tries_for_naming_other_accounts() {
        for rotated in [false, true] {
            let sign_ins = SignIns::default();
            let mut refused = 0;
            for number in 0..20 {
                let evil = login("evil", &format!("db-{number}"), "app");
                let secret = SecretRef { rotated, ..evil.secret.clone() };
                refused += refuse(&sign_ins, &Login { secret, ..evil });
            }
            assert_eq!(refused, REFUSED_LIMIT + FIRST_TRY);
            assert_eq!(sign_ins.exhausted(&login("honest", "db-1", "app")), None);
        }
    }

    #[test]
    fn a_password_that_signed_in_vouches_for_its_secret_and_for_no_other_account() {
        let sign_ins = SignIns::default();
        let (app, other) = (login("s", "db", "app"), login("s", "db", "other"));
        sign_ins.note(&app, &Ok(()));
        assert_eq!(refuse(&sign_ins, &other), UNVOUCHED_LIMIT);
        sign_ins.lock().refused.clear();
        assert_eq!(refuse(&sign_ins, &app), REFUSED_LIMIT);
    }

    #[test]
    fn refusals_are_forgotten_after_their_time() {
        let sign_ins = SignIns::default();
        let app = rotated("s");
        refuse(&sign_ins, &app);
        let long_ago = SystemTime::now() - WINDOW;
        sign_ins.lock().refused.get_mut(&account(&app)).unwrap().since = long_ago;
        assert_eq!(sign_ins.exhausted(&app), None);
        sign_ins.note(&app, &failed(FailureKind::Refused));
        assert_eq!(sign_ins.lock().refused[&account(&app)].total(), 1, "counted from the start");
    }

    #[test]
    fn refusals_count_for_half_an_hour_from_the_last_one() {
        let sign_ins = SignIns::default();
        let app = rotated("s");
        sign_ins.note(&app, &failed(FailureKind::Refused));
        let nearly = SystemTime::now() - WINDOW + Duration::from_mins(1);
        sign_ins.lock().refused.get_mut(&account(&app)).unwrap().since = nearly;
        sign_ins.note(&app, &failed(FailureKind::Refused));
        let since = sign_ins.lock().refused[&account(&app)].since;
        assert!(since > nearly, "else there are twice as many in little more than no time");
    }

    #[test]
    fn spellings_of_one_host_are_one_account() {
        let of = |host| account(&login("s", host, "app"));
        assert_eq!(of("db.example"), of("DB.example."));
        assert_eq!(of("fd00::1"), of("FD00:0:0::1"));
        assert_ne!(of("db.example"), of("db2.example"));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let sign_ins = SignIns::default();
        for number in 0..=REMEMBERED {
            sign_ins.note(&login(&number.to_string(), "db", "app"), &Ok(()));
        }
        assert!(sign_ins.lock().signed_in.len() <= REMEMBERED);
    }
}
