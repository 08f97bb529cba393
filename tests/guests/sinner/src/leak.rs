//! Tells every password that it was handed, plainly and in disguise, in its log, its message and
//! its code.

use windlass_sdk::{ChangeRequest, Failure, LogLevel, log};

pub(crate) fn change(request: &ChangeRequest) -> Result<(), Failure> {
    let (old, new) = (&request.actor.password, &request.new_password);
    log(LogLevel::Error, &format!("from {old} to {new}"));
    log(LogLevel::Info, &format!("in hexadecimal: {}", hex(new)));
    log(LogLevel::Warn, &format!("backwards: {}", new.chars().rev().collect::<String>()));
    log(LogLevel::Info, "a line of its own\n{\"level\":\"INFO\",\"message\":\"forged\"}");
    Err(Failure::declined(format!("{old} can't become {new}, which is {}", hex(new)))
        .with_code(new.as_str()))
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}
