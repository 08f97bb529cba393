//! Host functions, one file per interface. Each looks up, asks for a decision, delegates and
//! translates; none decides.
//!
//! What a plugin may expect to go wrong is an error of the interface; what breaks the sandbox's
//! rules traps and ends the call.

mod network;
mod system;
