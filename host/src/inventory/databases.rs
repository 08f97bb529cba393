//! The rotation's inventory, over AWS's APIs.

use super::api::DatabaseApis;
use super::managed::managed;
use super::relation::{Record, are_one, could_be_one};
use crate::rotation::ports::{
    Inventory, ManagedDatabase, ManagedError, ManagedQuestion, Places, RelationError, Unrelated,
};

/// An inventory that asks these APIs.
pub struct Databases<A>(pub A);

impl<A: DatabaseApis> Inventory for Databases<A> {
    type Record = Record;

    async fn managed(
        &self,
        question: &ManagedQuestion<'_>,
    ) -> Result<Option<ManagedDatabase<Record>>, ManagedError> {
        managed(&self.0, question).await
    }

    fn could_be_one(&self, pair: &Places<'_>, admin: Option<&Record>) -> Result<(), Unrelated> {
        could_be_one(&self.0, pair, admin)
    }

    async fn are_one(
        &self,
        pair: &Places<'_>,
        admin: Option<&Record>,
    ) -> Result<(), RelationError> {
        could_be_one(&self.0, pair, admin)?;
        are_one(&self.0, pair, admin).await
    }
}
