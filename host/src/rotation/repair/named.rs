//! A version, as a person names it: by a label, by its id, or by how the id begins.

use crate::rotation::error::Error;
use crate::rotation::plan::Refusal;
use crate::rotation::ports::{
    Catalog, Inventory, SecretDescription, SecretStore, Stage, VersionId,
};
use crate::rotation::runner::Rotation;

impl<S: SecretStore, C: Catalog, I: Inventory> Rotation<'_, S, C, I> {
    /// The version that is called so.
    ///
    /// # Errors
    /// If no version is called so, or more than one.
    pub(super) async fn version_named(
        &self,
        secret: &SecretDescription,
        named: &str,
    ) -> Result<VersionId, Error> {
        // Labels and whole ids of labelled versions need no permission to list.
        if let Some(labelled) = secret.version_with(&Stage::from(named)) {
            return Ok(labelled.clone());
        }
        let whole = VersionId::new(named);
        if secret.stages.contains_key(&whole) {
            return Ok(whole);
        }
        let versions = self.reader().versions(&secret.arn).await?;
        let versions: Vec<VersionId> =
            versions.into_iter().map(|listing| listing.version).collect();
        Ok(one_named(secret, versions, named)?)
    }
}

fn one_named(
    secret: &SecretDescription,
    versions: Vec<VersionId>,
    named: &str,
) -> Result<VersionId, Refusal> {
    let nobody = || Refusal::NoSuchVersion { secret: secret.name.clone(), named: named.to_owned() };
    if named.is_empty() {
        return Err(nobody());
    }
    let begins = |version: &VersionId| version.as_str().starts_with(named);
    let mut so_named: Vec<VersionId> = versions.into_iter().filter(begins).collect();
    if let Some(whole) = so_named.iter().position(|version| version.as_str() == named) {
        return Ok(so_named.swap_remove(whole));
    }
    match (so_named.pop(), so_named.is_empty()) {
        (None, _) => Err(nobody()),
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            let versions = so_named.into_iter().chain([last]);
            Err(Refusal::SeveralVersions {
                secret: secret.name.clone(),
                named: named.to_owned(),
                versions: versions.map(|version| version.to_string()).collect(),
            })
        }
    }
}
