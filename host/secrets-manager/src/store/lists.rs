//! Lists of secrets and what several calls make of one request, in memory and in a file.

use std::collections::BTreeMap;

use super::contract::World;
use super::*;

/// Five secrets, made in another order than that of their names, two of them at one moment.
fn worlds() -> [World; 2] {
    let worlds = World::both();
    for world in &worlds {
        for (name, wait) in [("c", 1), ("a", 1), ("e", 0), ("b", 1), ("d", 1)] {
            let mut request = CreateSecret::with_text(name, format!("value of {name}"));
            request.tags = Some(vec![Tag { key: "team".to_owned(), value: format!("T{name}") }]);
            world.store.create_secret(request).unwrap();
            world.wait(wait);
        }
        world.store.tag("a", vec![Tag { key: "k".to_owned(), value: "v".to_owned() }]).unwrap();
        world.store.delete_secret("d", Deletion::AfterDays(Some(7))).unwrap();
    }
    worlds
}

/// The names of all pages of this size.
fn pages(store: &EmbeddedStore, request: &ListSecrets, size: i64) -> String {
    let mut request = request.clone();
    request.page.max_results = Some(size);
    let mut names = Vec::new();
    loop {
        let page = store.list_secrets(&request).unwrap();
        assert!(page.secrets.len() <= usize::try_from(size).unwrap());
        names.extend(page.secrets.into_iter().map(|secret| secret.name));
        request.page.next_token = page.next_token;
        if request.page.next_token.is_none() {
            return names.concat();
        }
        assert!(!names.is_empty(), "an empty page is the last one");
    }
}

#[test]
fn secrets_are_listed_in_every_order_and_size_of_page() {
    let filter = |values: &[&str]| Filter {
        key: FilterKey::Name,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let (created, changed, name) = (SortBy::CreatedDate, SortBy::LastChangedDate, SortBy::Name);
    let (up, down) = (SortOrder::Ascending, SortOrder::Descending);
    let (omit, list) = (PlannedDeletion::Omit, PlannedDeletion::List);
    for world in worlds() {
        for (sort_by, order, planned_deletion, filters, expected) in [
            (created, up, omit, vec![], "cabe"),
            (created, down, omit, vec![], "ebac"),
            (created, up, list, vec![], "cabed"),
            (name, up, omit, vec![], "abce"),
            (name, down, list, vec![], "edcba"),
            (changed, up, omit, vec![], "cbea"),
            (changed, down, omit, vec![], "aebc"),
            (name, up, omit, vec![filter(&["a", "e"])], "ae"),
            (name, up, omit, vec![filter(&["!a"])], "bce"),
            (name, up, list, vec![filter(&["d"]), filter(&["!e"])], "d"),
            (name, up, omit, vec![filter(&["x"])], ""),
        ] {
            let page = Page::default();
            let request = ListSecrets { filters, sort_by, order, planned_deletion, page };
            for size in [1, 2, 3, 4, 100] {
                let names = pages(&world.store, &request, size);
                assert_eq!(names, expected, "{request:?}, pages of {size}");
            }
        }
    }
}

#[test]
fn what_is_deleted_or_made_between_two_pages_hides_nothing_else() {
    for world in worlds() {
        let mut request = ListSecrets { sort_by: SortBy::Name, ..ListSecrets::default() };
        request.page.max_results = Some(2);
        let first = world.store.list_secrets(&request).unwrap();
        request.page.next_token = first.next_token;
        world.store.delete_secret("b", Deletion::AtOnce).unwrap();
        world.store.create_secret(CreateSecret::with_text("aa", "x")).unwrap();
        assert_eq!(pages(&world.store, &request, 2), "ce");
        request.sort_by = SortBy::CreatedDate;
        let error = world.store.list_secrets(&request).unwrap_err();
        assert_eq!(error.exception, Exception::InvalidNextToken, "a token of another order");
    }
}

#[test]
fn a_version_that_loses_its_label_between_two_pages_hides_no_other() {
    for world in worlds() {
        let store = &world.store;
        for (token, stage) in [("2", "BLUE"), ("3", "GREEN")] {
            let put = PutSecretValue {
                secret_id: "a".to_owned(),
                token: Some(token.repeat(32)),
                value: StoredValue::text("x"),
                stages: Some(vec![stage.to_owned()]),
                rotation_token: None,
            };
            store.put_secret_value(put).unwrap();
        }
        let mut request = ListVersionIds {
            secret_id: "a".to_owned(),
            deprecated: DeprecatedVersions::Omit,
            page: Page { max_results: Some(1), next_token: None },
        };
        let first = store.list_version_ids(&request).unwrap();
        assert_eq!(first.versions[0].stages, ["GREEN"]);
        let id = "3".repeat(32);
        let taken_off = UpdateVersionStage {
            secret_id: "a".to_owned(),
            stage: "GREEN".to_owned(),
            remove_from: Some(id),
            move_to: None,
        };
        store.update_version_stage(&taken_off).unwrap();
        request.page.next_token = first.next_token;
        let second = store.list_version_ids(&request).unwrap();
        assert_eq!(second.versions[0].stages, ["BLUE"]);
    }
}

#[test]
fn a_batch_is_read_and_refused_secret_by_secret() {
    for world in worlds() {
        let ids = ["a", "nobody", "d", "c"].map(str::to_owned).to_vec();
        let selection = BatchSelection::Ids(ids);
        let found = world.store.batch_get(&BatchGet { selection, page: Page::default() }).unwrap();
        let values: Vec<_> = found.values.iter().filter_map(|one| one.value.as_text()).collect();
        assert_eq!(values, ["value of a", "value of c"]);
        let errors = found.errors.iter().map(|one| (one.secret_id.as_str(), one.exception));
        let expected = [("nobody", Exception::ResourceNotFound), ("d", Exception::InvalidRequest)];
        assert_eq!(errors.collect::<Vec<_>>(), expected);

        let filter = Filter { key: FilterKey::TagKey, values: vec!["team".to_owned()] };
        let mut page = Page { max_results: Some(3), next_token: None };
        let mut seen = BTreeMap::new();
        for pages in 1.. {
            let selection = BatchSelection::Filters(vec![filter.clone()]);
            let found = world.store.batch_get(&BatchGet { selection, page: page.clone() }).unwrap();
            seen.extend(found.values.into_iter().map(|value| (value.name, pages)));
            page.next_token = found.next_token;
            if page.next_token.is_none() {
                break;
            }
        }
        let expected = [("a", 1), ("b", 1), ("c", 1), ("e", 2)];
        assert_eq!(seen, expected.map(|(name, page)| (name.to_owned(), page)).into());

        for (count, max_results) in [(0, None), (21, None), (1, Some(5))] {
            let selection = BatchSelection::Ids(vec!["a".to_owned(); count]);
            let page = Page { max_results, next_token: None };
            assert!(world.store.batch_get(&BatchGet { selection, page }).is_err(), "{count}");
        }
    }
}

#[test]
fn policies_and_replicas_are_kept_and_reported() {
    for world in worlds() {
        let store = &world.store;
        assert_eq!(store.resource_policy("a").unwrap().policy, None);
        let policy =
            r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
        store.put_resource_policy("a", policy, PublicPolicies::Blocked).unwrap();
        assert_eq!(store.resource_policy("a").unwrap().policy.as_deref(), Some(policy));
        assert!(store.put_resource_policy("a", "{}", PublicPolicies::Allowed).is_err());
        assert_eq!(store.resource_policy("a").unwrap().policy.as_deref(), Some(policy));
        store.delete_resource_policy("a").unwrap();
        store.delete_resource_policy("a").unwrap();
        assert_eq!(store.resource_policy("a").unwrap().policy, None);

        let region = |region: &str| ReplicaRegion { region: region.to_owned(), kms_key_id: None };
        store.replicate("a", vec![region("eu-west-1"), region("us-gov-west-1")]).unwrap();
        for refused in ["us-east-1", "", "Europe", "eu_west_1"] {
            assert!(store.replicate("a", vec![region(refused)]).is_err(), "{refused}");
        }
        store.remove_replicas("a", &["us-gov-west-1".to_owned()]).unwrap();
        assert!(store.remove_replicas("a", &["us-gov-west-1".to_owned()]).is_err());
        let replicas = store.describe_secret("a").unwrap().replicas;
        assert_eq!(replicas.into_keys().collect::<Vec<_>>(), ["eu-west-1"]);
    }
}
