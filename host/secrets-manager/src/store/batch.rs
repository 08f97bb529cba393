//! `BatchGetSecretValue`: current values of several secrets, each by itself read or refused.

use super::answers::{BatchAnswer, BatchRefusal};
use super::error::{Exception, ServiceError, invalid_parameter, validation};
use super::listing;
use super::records::Records;
use super::requests::{BatchGet, BatchSelection, ListSecrets, Page, VersionSelector};
use super::values;

/// The most secrets of one call, and how many a page holds if nothing is said.
const MOST: usize = 20;

/// Reads what was asked for. A secret that can't be read is in the answer's errors.
pub(super) fn get(records: &Records<'_>, request: &BatchGet) -> Result<BatchAnswer, ServiceError> {
    let mut answer = BatchAnswer::default();
    let ids = match &request.selection {
        BatchSelection::Ids(ids) => {
            if !(1..=MOST).contains(&ids.len()) {
                return Err(validation(format!(
                    "1 validation error detected: Value at 'secretIdList' failed to satisfy \
                     constraint: Member must have length between 1 and {MOST}"
                )));
            }
            if request.page.max_results.is_some() {
                return Err(invalid_parameter(
                    "You can use MaxResults with Filters only, not with SecretIdList.",
                ));
            }
            ids.clone()
        }
        BatchSelection::Filters(filters) => {
            let size = request.page.max_results.unwrap_or(i64::try_from(MOST).unwrap_or(i64::MAX));
            if usize::try_from(size).is_ok_and(|size| size > MOST) {
                return Err(validation(format!(
                    "1 validation error detected: Value at 'maxResults' failed to satisfy \
                     constraint: Member must have a value between 1 and {MOST}"
                )));
            }
            let page =
                Page { max_results: Some(size), next_token: request.page.next_token.clone() };
            let list = ListSecrets { filters: filters.clone(), page, ..ListSecrets::default() };
            let found = listing::secrets(records, &list)?;
            answer.next_token = found.next_token;
            found.secrets.into_iter().map(|secret| secret.arn).collect()
        }
    };
    let current = VersionSelector::Stage(super::labels::CURRENT.to_owned());
    for id in ids {
        let read = records.live(&id).and_then(|secret| values::read(records, &secret, &current));
        match read {
            Ok(value) => answer.values.push(value),
            Err(error) if error.exception == Exception::InternalService => return Err(error),
            Err(ServiceError { exception, message, .. }) => {
                answer.errors.push(BatchRefusal { secret_id: id, exception, message });
            }
        }
    }
    Ok(answer)
}
