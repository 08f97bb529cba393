//! Which secrets a rotation reads, and what else it has to ask about them: what permissions depend on.
//!
//! Nothing is changed, and no service is asked but Secrets Manager.

use super::admin::named_by;
use super::document::SecretDocument;
use super::error::Error;
use super::participants::{Participants, admin_id};
use super::ports::{
    Catalog, Inventory, SecretDescription, SecretId, SecretStore, Stage, VersionSelector,
};
use super::runner::Rotation;
use super::secret_problem::Origin;

/// What a rotation of one secret reads.
#[derive(Debug, Clone)]
pub struct Involved {
    /// The secret.
    pub secret: SecretDescription,
    /// The administrator's, where one makes the change.
    pub admin: Option<InvolvedAdmin>,
}

/// An administrator's secret.
#[derive(Debug, Clone)]
pub struct InvolvedAdmin {
    /// What it is.
    pub secret: SecretDescription,
    /// Whether it says itself which database it is for. Where it does not, its tags do.
    pub has_place: bool,
    /// Whether it is for another host than the secret that names it, so that Amazon RDS is asked whether
    /// both are one database.
    pub is_elsewhere: bool,
}

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// Finds out which secrets are involved in rotations of this one.
    ///
    /// # Errors
    /// If one of them can't be read, no plugin serves the secret, or the plugin lacks what its strategy
    /// needs.
    pub async fn involved(&self, secret_id: &SecretId) -> Result<Involved, Error> {
        let reader = self.reader();
        let secret = reader.describe(secret_id).await?;
        let current = VersionSelector::Stage(Stage::Current);
        let value = reader.value(&secret.arn, &current).await?;
        let origin = Origin { secret: secret.name.clone(), role: Stage::Current };
        let document = SecretDocument::parse(&value, origin)?;
        let selection = self.selection();
        let participants =
            Participants::from_one(&selection, &secret, &document, &value.version, None).await?;
        let place = participants.current.place.clone();
        drop(participants);
        let Some(admin_id) = admin_id(&secret, &document)? else {
            return Ok(Involved { secret, admin: None });
        };
        let admin = reader.describe(&admin_id).await;
        let admin = admin.map_err(|error| error.because(&named_by(&secret)))?;
        let document = self.admins().document(&secret, &admin_id).await?;
        let has_place = document.has_location();
        let is_elsewhere = has_place && {
            let own = document.location()?.place(place.port);
            !own.host.eq_ignore_ascii_case(&place.host)
        };
        let admin = Some(InvolvedAdmin { secret: admin, has_place, is_elsewhere });
        Ok(Involved { secret, admin })
    }
}
