//! What a secret is rotated with: the plugin and the strategy, by its fields and tags and the
//! configuration.

use super::document::SecretDocument;
use super::error::Error;
use super::plugin_choice::{Choice, ChoiceError, choose};
use super::ports::{Catalog, Description, SecretDescription};
use super::settings::Settings;
use super::strategy::{Strategy, StrategyProblem, check_abilities};
use super::tags::{PLUGIN_TAG, SEND_TEXT_TAG, STRATEGY_TAG};

/// The installed plugins, and what the operator configured.
pub(super) struct Selection<'a, C> {
    catalog: &'a C,
    settings: &'a Settings,
}

impl<'a, C: Catalog> Selection<'a, C> {
    /// Chooses from this catalog, by these settings.
    pub(super) fn new(catalog: &'a C, settings: &'a Settings) -> Self {
        Self { catalog, settings }
    }

    /// The plugin for a secret: the configured one, else the tag's, else the engine's.
    ///
    /// # Errors
    /// If no plugin, or more than one, fits, or the plugin can't be loaded.
    pub(super) async fn service(
        &self,
        secret: &SecretDescription,
        document: &SecretDocument,
    ) -> Result<C::Service, Error> {
        let engine = &document.location()?.engine;
        let plugins = self.catalog.plugins();
        if plugins.is_empty() {
            return Err(ChoiceError::NoneInstalled { location: self.catalog.location() }.into());
        }
        let tag = secret.tags.get(PLUGIN_TAG).filter(|_| self.settings.tags.plugin);
        let configured = self.settings.plugin.as_deref();
        let choice = Choice::new(configured, tag.map(String::as_str), &secret.name)?;
        let plugin = choose(&plugins, engine, choice)?;
        Ok(self.catalog.open(&plugin.name, engine).await?)
    }

    /// The strategy for a secret: the tag's, where tags choose it, else the configured one, else by
    /// `masterarn`.
    ///
    /// # Errors
    /// If it does not fit the secret, or the plugin lacks an ability that it needs.
    pub(super) fn strategy(
        &self,
        secret: &SecretDescription,
        document: &SecretDocument,
        plugin: &Description,
    ) -> Result<Strategy, Error> {
        let by_admin = document.admin_secret().is_some();
        let tag = secret.tags.get(STRATEGY_TAG).filter(|_| self.settings.tags.strategy);
        let strategy = match (tag, self.settings.strategy) {
            (Some(tag), _) => tag.parse().map_err(StrategyProblem::Tag)?,
            (None, Some(configured)) => configured,
            (None, None) if by_admin => Strategy::AlternatingUsers,
            (None, None) => Strategy::SingleUser,
        };
        if strategy == Strategy::AlternatingUsers && !by_admin {
            return Err(StrategyProblem::NoAdmin { secret: secret.name.clone() }.into());
        }
        check_abilities(strategy, by_admin, plugin, &document.location()?.engine)?;
        Ok(strategy)
    }

    /// Whether a new password may be sent to the service as text, inside TLS: the tag decides, where the
    /// operator lets tags decide that, else the configuration. Some services check passwords by their
    /// text and take no hash; the text may end in the server's log.
    ///
    /// # Errors
    /// If the tag is neither `true` nor `false`.
    pub(super) fn may_send_text(
        &self,
        secret: &SecretDescription,
    ) -> Result<bool, StrategyProblem> {
        let tag = secret.tags.get(SEND_TEXT_TAG).filter(|_| self.settings.tags.send_text);
        match tag {
            None => Ok(self.settings.send_text),
            Some(text) => {
                text.parse().map_err(|_| StrategyProblem::SendTextTag { value: text.clone() })
            }
        }
    }
}
