//! The tags of a secret that rotations read, where the operator lets tags decide.

/// Chooses a plugin among those that serve the secret's engine.
pub const PLUGIN_TAG: &str = "windlass:plugin";

/// Chooses a strategy.
pub const STRATEGY_TAG: &str = "windlass:strategy";

/// `true` or `false`: whether a new password may be sent as text.
pub const SEND_TEXT_TAG: &str = "windlass:send-text";
