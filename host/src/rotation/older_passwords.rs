//! Older passwords that may still be the one in force.
//!
//! Two things leave a service with a password that is neither current nor pending. It was restored
//! from a backup: then `AWSPREVIOUS` signs in. Or an attempt died after the service had taken its
//! password, and Secrets Manager started over with a new token: then the password is in a version
//! that lost its label. AWS's functions never recover from the second.
//!
//! A candidate must be for the same user, place and engine as the current version, and have a password
//! that was not tried yet: services count failed sign-ins. It signs in with the stricter of both
//! versions' `ssl`: a password that was stored for TLS is not sent in clear because a newer version
//! says `"ssl": false`. What an earlier attempt of this process saw refused comes last (see
//! [`traces`](super::traces)).

use std::collections::VecDeque;

use super::answer::{Answer, is_failure};
use super::credential::Credential;
use super::error::Error;
use super::failed_sign_ins::ORPHANS_TRIED;
use super::participants::{OlderVersion, Participants};
use super::ports::{
    Failure, FailureKind, Login, SecretStore, SecretValue, Service, Stage, StoreError,
    StoreErrorKind, VersionId, VersionSelector,
};
use super::reading::Reader;
use super::service_error::ServiceError;
use super::traces::{Likelihood, Traces};
use super::tried::{Tried, Unsearched};
use crate::secret::{Secret, mute};

/// How many orphaned versions are read to find that many passwords: some have no value, or one of
/// the other user of a pair.
const ORPHANS_READ: usize = 20;

mute!(Candidate);

/// A password that may be the one in force.
pub(super) struct Candidate {
    /// Which one it is.
    pub(super) credential: Credential,
    /// The version that it is from.
    pub(super) version: VersionId,
    /// The sign-in.
    pub(super) login: Login,
}

/// The candidates, read one by one, since most rotations need none of them.
pub(super) struct OlderPasswords<'a, S, P> {
    reader: Reader<'a, S>,
    traces: &'a Traces,
    participants: &'a Participants<'a, P>,
    refused: Vec<Secret>,
    /// What the service said of those that were tried.
    tried: Vec<Tried>,
    stage: Search,
    /// Those that an earlier attempt of this process saw refused: they come last.
    held: VecDeque<Candidate>,
    orphans_tried: u32,
    unsearched: Option<Unsearched>,
}

/// Which older passwords are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that no earlier attempt of this process saw refused.
    Fresh,
    /// All.
    All,
}

enum Search {
    Previous,
    Orphans(Option<VecDeque<VersionId>>),
}

impl<'a, S: SecretStore, P: Service> OlderPasswords<'a, S, P> {
    /// The search beside `AWSCURRENT` and `AWSPENDING`.
    pub(super) fn new(
        reader: Reader<'a, S>,
        traces: &'a Traces,
        participants: &'a Participants<'a, P>,
    ) -> Self {
        Self {
            reader,
            traces,
            participants,
            refused: vec![
                participants.current.password.duplicate(),
                participants.pending.password.duplicate(),
            ],
            tried: Vec::new(),
            stage: Search::Previous,
            held: VecDeque::new(),
            orphans_tried: 0,
            unsearched: None,
        }
    }

    /// The next password worth trying; last come those that an earlier attempt of this process saw
    /// refused.
    ///
    /// # Errors
    /// If Secrets Manager can't be read. Missing permission to list versions is not an error: the
    /// search ends there and [`unsearched`](Self::unsearched) says so.
    pub(super) async fn next(&mut self, which: Which) -> Result<Option<Candidate>, Error> {
        while let Some(candidate) = self.look_further().await? {
            match self.traces.of(&candidate.login.secret.id, &candidate.version) {
                Likelihood::Refused(_) => self.held.push_back(candidate),
                Likelihood::InForce | Likelihood::Unknown => return Ok(Some(candidate)),
            }
        }
        match which {
            Which::Fresh => Ok(None),
            Which::All => Ok(self.held.pop_front()),
        }
    }

    async fn look_further(&mut self) -> Result<Option<Candidate>, Error> {
        loop {
            match &mut self.stage {
                Search::Previous => {
                    self.stage = Search::Orphans(None);
                    let selector = VersionSelector::Stage(Stage::Previous);
                    let value = self.read(&selector).await?;
                    if let Some(candidate) = self.candidate(value, Credential::Previous) {
                        return Ok(Some(candidate));
                    }
                }
                Search::Orphans(None) => {
                    let orphans = self.orphans().await?;
                    self.stage = Search::Orphans(Some(orphans));
                }
                Search::Orphans(Some(orphans)) => {
                    let Some(version) = orphans.pop_front() else { return Ok(None) };
                    if self.orphans_tried == ORPHANS_TRIED {
                        self.unsearched = Some(Unsearched::TooMany);
                        return Ok(None);
                    }
                    let value = self.read(&VersionSelector::Version(version.clone())).await?;
                    let credential = Credential::Unlabelled(version);
                    if let Some(candidate) = self.candidate(value, credential) {
                        self.orphans_tried += 1;
                        return Ok(Some(candidate));
                    }
                }
            }
        }
    }

    /// Takes note of how the trial of a candidate ended: what is left is what it led to, if it was
    /// accepted.
    ///
    /// # Errors
    /// The trial's own, unless it means that this candidate can't be tried.
    pub(super) fn settle<T>(
        &mut self,
        candidate: &Candidate,
        answer: Result<Answer<T>, Error>,
    ) -> Result<Option<T>, Error> {
        match answer {
            Ok(Answer::Accepted(done)) => return Ok(Some(done)),
            Ok(Answer::Refused(failure)) => {
                self.traces.refused(&candidate.login.secret.id, &candidate.version);
                self.note(candidate.credential.clone(), failure);
            }
            Err(error) if self.passes_over(candidate, &error) => {}
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// Takes note that a password was refused.
    pub(super) fn note(&mut self, credential: Credential, failure: Failure) {
        self.tried.push(Tried { credential, failure });
    }

    /// Whether a failure of a candidate means that it can't be tried, rather than that the service
    /// can't be reached: it was stored for TLS, and the server has none.
    fn passes_over(&mut self, candidate: &Candidate, error: &Error) -> bool {
        let no_tls = is_failure(error, FailureKind::NoTls);
        let over = no_tls && candidate.login.tls != self.participants.current.tls;
        if over {
            self.unsearched.get_or_insert(Unsearched::StoredForTls);
        }
        over
    }

    /// That no known password of the account signs in.
    pub(super) fn in_vain(self) -> Error {
        let current = &self.participants.current;
        ServiceError::NoCandidate {
            username: current.username.clone(),
            place: current.place.clone(),
            tried: self.tried,
            unsearched: self.unsearched,
        }
        .into()
    }

    /// Whether this one was refused.
    #[cfg(feature = "cli")]
    pub(super) fn has_tried(&self, credential: &Credential) -> bool {
        self.tried.iter().any(|tried| tried.credential == *credential)
    }

    /// Whether there was nothing that could be tried.
    #[cfg(feature = "cli")]
    pub(super) fn nothing_to_try(&self) -> bool {
        self.tried.is_empty() && self.unsearched.is_none()
    }

    /// Whether any beside `AWSCURRENT` and `AWSPENDING` was refused.
    pub(super) fn searched(&self) -> bool {
        let known = [Credential::Current, Credential::Pending];
        self.tried.iter().any(|tried| !known.contains(&tried.credential))
    }

    async fn read(&self, selector: &VersionSelector) -> Result<Option<SecretValue>, StoreError> {
        self.reader.value_if_there(&self.participants.secret.arn, selector).await
    }

    /// A version that can't be used is no candidate; it is nobody's error either.
    pub(super) fn candidate(
        &mut self,
        value: Option<SecretValue>,
        credential: Credential,
    ) -> Option<Candidate> {
        self.candidate_of(&value?, credential)
    }

    /// The same for a version that is there.
    pub(super) fn candidate_of(
        &mut self,
        value: &SecretValue,
        credential: Credential,
    ) -> Option<Candidate> {
        let OlderVersion { mut login, same_place } = self.participants.older_version(value)?;
        let current = &self.participants.current;
        if login.username != current.username
            || self.refused.iter().any(|refused| refused.same_as(&login.password))
        {
            return None;
        }
        if !same_place {
            self.unsearched.get_or_insert(Unsearched::OtherPlace);
            return None;
        }
        self.refused.push(login.password.duplicate());
        // Where to connect is what AWSCURRENT says; only the password is from the older version, and
        // with which TLS it may be sent both say.
        login.place = current.place.clone();
        login.database.clone_from(&current.database);
        Some(Candidate { credential, version: value.version.clone(), login })
    }

    async fn orphans(&mut self) -> Result<VecDeque<VersionId>, StoreError> {
        match self.reader.versions(&self.participants.secret.arn).await {
            Ok(versions) => Ok(versions
                .into_iter()
                .filter(|listing| listing.stages.is_empty())
                .map(|listing| listing.version)
                .take(ORPHANS_READ)
                .collect()),
            Err(error) if error.kind == StoreErrorKind::AccessDenied => {
                self.unsearched = Some(Unsearched::NotAllowed);
                Ok(VecDeque::new())
            }
            Err(error) => Err(error),
        }
    }
}
