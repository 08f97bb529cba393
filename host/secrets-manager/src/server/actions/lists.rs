//! Actions that list, a page at a time.

use serde_json::Value;

use super::super::fields::Fields;
use super::super::rejection::Rejection;
use super::render::Answer;
use super::{Context, render};
use crate::{
    DeprecatedVersions, Filter, FilterKey, ListSecrets, ListVersionIds, Page, PlannedDeletion,
    SortBy, SortOrder,
};

pub(super) fn secrets(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let request = ListSecrets {
        filters: filters(&mut fields)?.unwrap_or_default(),
        sort_by: match fields.text("SortBy")?.as_deref() {
            None | Some("created-date") => SortBy::CreatedDate,
            Some("last-changed-date") => SortBy::LastChangedDate,
            Some("name") => SortBy::Name,
            Some(_) => {
                return Err(Rejection::parameter(
                    "SortBy must be created-date, last-changed-date or name: access is not \
                     recorded by the embedded Secrets Manager.",
                ));
            }
        },
        order: match fields.text("SortOrder")?.as_deref() {
            None | Some("asc") => SortOrder::Ascending,
            Some("desc") => SortOrder::Descending,
            Some(_) => return Err(Rejection::parameter("SortOrder must be asc or desc.")),
        },
        planned_deletion: match fields.flag("IncludePlannedDeletion")? {
            true => PlannedDeletion::List,
            false => PlannedDeletion::Omit,
        },
        page: page(&mut fields)?,
    };
    let found = context.store.list_secrets(&request)?;
    let list = found.secrets.into_iter();
    let list: Vec<Value> =
        list.map(|secret| render::description(secret, "SecretVersionsToStages")).collect();
    Ok(Answer::default().with("SecretList", list).maybe("NextToken", found.next_token).done())
}

pub(super) fn version_ids(context: &Context, mut fields: Fields) -> Result<Value, Rejection> {
    let request = ListVersionIds {
        secret_id: fields.required_text("SecretId")?,
        deprecated: match fields.flag("IncludeDeprecated")? {
            true => DeprecatedVersions::List,
            false => DeprecatedVersions::Omit,
        },
        page: page(&mut fields)?,
    };
    let found = context.store.list_version_ids(&request)?;
    let versions: Vec<Value> = found.versions.into_iter().map(render::version).collect();
    Ok(Answer::default()
        .with("Versions", versions)
        .maybe("NextToken", found.next_token)
        .with("ARN", found.arn)
        .with("Name", found.name)
        .done())
}

pub(super) fn page(fields: &mut Fields) -> Result<Page, Rejection> {
    Ok(Page { max_results: fields.integer("MaxResults")?, next_token: fields.text("NextToken")? })
}

/// `Filters`, if they are there.
pub(super) fn filters(fields: &mut Fields) -> Result<Option<Vec<Filter>>, Rejection> {
    let Some(given) = fields.objects("Filters")? else { return Ok(None) };
    let parsed = given.into_iter().map(|mut filter| {
        let key = match filter.required_text("Key")?.as_str() {
            "description" => FilterKey::Description,
            "name" => FilterKey::Name,
            "tag-key" => FilterKey::TagKey,
            "tag-value" => FilterKey::TagValue,
            "primary-region" => FilterKey::PrimaryRegion,
            "owning-service" => FilterKey::OwningService,
            "all" => FilterKey::All,
            _ => {
                return Err(Rejection::parameter(
                    "A filter's Key must be description, name, tag-key, tag-value, \
                     primary-region, owning-service or all.",
                ));
            }
        };
        let values = filter.texts("Values")?.ok_or_else(|| Rejection::missing("Values"))?;
        Ok(Filter { key, values })
    });
    parsed.collect::<Result<_, _>>().map(Some)
}
