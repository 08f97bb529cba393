//! Looking at the two accounts of an alternating secret, and marking them as a pair.
//!
//! An administrator changes the password of one account because a secret speaks of the other, so the
//! two have to be a pair by something that neither can have set alone. A pair that another tool
//! made bears no mark. Here an operator looks at it and declares it.
//!
//! The administrator acts as in a rotation: only after the secret's own password has signed in, over
//! the stricter TLS of both secrets. With a mark, later rotations give the two passwords of the secret
//! and have the account with the suffix made like the other. If both accounts sign in with its
//! versions, the secret's writer holds both already; where only one does, marking is the operator's own
//! decision ([`Pairing::both_sign_in`]).

use super::answer::{Answer, answered};
use super::credential::Credential;
use super::document::SecretDocument;
use super::error::Error;
use super::mismatch::Mismatch;
use super::participants::{Participants, admin_id};
use super::ports::{
    Assessment, Catalog, Inventory, Login, PairState, Planned, Proof, SecretDescription, SecretId,
    SecretStore, Service, Stage, VersionSelector,
};
use super::runner::Rotation;
use super::secret_problem::Origin;
use super::strategy::{Strategy, alternate};
use crate::host_port::HostPort;

/// The two accounts of a secret, looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// The secret's name.
    pub secret: String,
    /// The account of `AWSCURRENT`.
    pub current: String,
    /// The other one.
    pub other: String,
    /// Where both are.
    pub place: HostPort,
    /// Whether the other account signs in with the secret's previous version. `None`: there is no
    /// such version, so that was not tried.
    pub other_signs_in: Option<bool>,
    /// What the plugin found. `None`: it can't look.
    pub assessment: Option<Assessment>,
}

impl Pairing {
    /// Whether the secret's versions sign in as both accounts: then a mark gives the holder of the
    /// secret no account that was not theirs to use before.
    pub fn both_sign_in(&self) -> bool {
        self.other_signs_in == Some(true)
    }

    /// Whether a rotation would refuse the two.
    pub fn is_refused(&self) -> bool {
        self.state() == Some(PairState::Different)
    }

    /// Whether marking them would change something.
    pub fn can_be_marked(&self) -> bool {
        matches!(self.state(), Some(PairState::Different | PairState::Equal))
    }

    /// Makes sure that the secret is still for these two. A rotation meanwhile changes only which of
    /// them is current.
    fn check_still<P>(&self, participants: &Participants<'_, P>) -> Result<(), Mismatch> {
        let (current, other) = (&participants.current.username, &participants.pending.username);
        let seen = [&self.current, &self.other];
        let place = &participants.current.place;
        if seen.contains(&current) && seen.contains(&other) && self.place.is(place) {
            return Ok(());
        }
        Err(Mismatch::OtherPair {
            secret: self.secret.clone(),
            seen: format!("`{}` and `{}` at {}", self.current, self.other, self.place),
            now: format!("`{current}` and `{other}` at {place}"),
        })
    }

    /// What makes them a pair, where that is known.
    pub fn state(&self) -> Option<PairState> {
        self.assessment.as_ref().and_then(|assessment| assessment.pair)
    }
}

/// Who would take part.
struct Pair<'a, P> {
    participants: Participants<'a, P>,
    /// The administrator, over the stricter TLS of both secrets.
    actor: Login,
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Looks at the accounts of a secret that is rotated with alternating users. Changes nothing.
    /// `None`: it is rotated in another way.
    ///
    /// # Errors
    /// If the secret or its administrator can't be read, or one of both does not sign in.
    pub async fn look_at_pair(&self, secret_id: &SecretId) -> Result<Option<Pairing>, Error> {
        let secret = self.reader().describe(secret_id).await?;
        let Some(Pair { participants, actor }) = self.pair_participants(&secret).await? else {
            return Ok(None);
        };
        let other = participants.pending.username.clone();
        let other_signs_in = self.previous_signs_in(&participants, &other, &actor).await?;
        let assessment =
            self.sign_in().assess(&participants.service, &planned(&participants, &actor)).await?;
        Ok(Some(Pairing {
            secret: secret.name.clone(),
            current: participants.current.username.clone(),
            other,
            place: participants.current.place.clone(),
            other_signs_in,
            assessment,
        }))
    }

    /// Marks the two accounts of a secret as a pair, which are those that were looked at. Safe to repeat.
    ///
    /// # Errors
    /// As [`look_at_pair`](Self::look_at_pair), what the service says, and if the secret has other
    /// accounts by now. `false`: the secret is not rotated with alternating users, or its plugin has no
    /// marks.
    pub async fn adopt_pair(&self, secret_id: &SecretId, seen: &Pairing) -> Result<bool, Error> {
        let secret = self.reader().describe(secret_id).await?;
        let Some(Pair { participants, actor }) = self.pair_participants(&secret).await? else {
            return Ok(false);
        };
        seen.check_still(&participants)?;
        Ok(self
            .sign_in()
            .mark_pair(&participants.service, &planned(&participants, &actor))
            .await?
            .is_some())
    }

    /// Reads both secrets and has the current password sign in.
    async fn pair_participants<'a>(
        &self,
        secret: &'a SecretDescription,
    ) -> Result<Option<Pair<'a, C::Service>>, Error> {
        let by_label = VersionSelector::Stage(Stage::Current);
        let value = self.reader().value(&secret.arn, &by_label).await?;
        let origin = Origin { secret: secret.name.clone(), role: Stage::Current };
        let document = SecretDocument::parse(&value, origin)?;
        let Some(admin_id) = admin_id(secret, &document)? else { return Ok(None) };
        let selection = self.selection();
        let mut participants =
            Participants::from_one(&selection, secret, &document, &value.version, None).await?;
        if participants.strategy != Strategy::AlternatingUsers {
            return Ok(None);
        }
        let rules = &participants.service.description().username_rules;
        participants.pending.username = alternate(&participants.current.username, rules)?;
        let admin = self.admins().login(&participants, &admin_id).await?;
        let tls = participants.current.tls.stricter(admin.tls);
        let proven = Login { proof: Proof::Mutual, tls, ..participants.current.duplicate() };
        self.sign_in().verify(&participants.service, &proven, &Credential::Current).await?;
        let actor = Login { tls, ..admin };
        Ok(Some(Pair { participants, actor }))
    }

    /// Whether the other account signs in with the previous version, where that is its own. Marking
    /// may depend on it, so it takes the same proof and TLS as the current one.
    async fn previous_signs_in(
        &self,
        participants: &Participants<'_, C::Service>,
        other: &str,
        actor: &Login,
    ) -> Result<Option<bool>, Error> {
        let previous = VersionSelector::Stage(Stage::Previous);
        let Some(value) = self.reader().value_if_there(&participants.secret.arn, &previous).await?
        else {
            return Ok(None);
        };
        let older = participants.older_version(&value).filter(|older| older.same_place);
        let Some(login) = older.map(|older| older.login).filter(|login| login.username == other)
        else {
            return Ok(None);
        };
        let tls = login.tls.stricter(actor.tls);
        let proven = Login { proof: Proof::Mutual, tls, ..login };
        let answer =
            self.sign_in().verify(&participants.service, &proven, &Credential::Previous).await;
        answered(answer).map(|answer| Some(matches!(answer, Answer::Accepted(()))))
    }
}

fn planned<'a, P>(participants: &'a Participants<'_, P>, actor: &'a Login) -> Planned<'a> {
    Planned {
        actor,
        username: &participants.pending.username,
        clone_of: Some(&participants.current.username),
    }
}
