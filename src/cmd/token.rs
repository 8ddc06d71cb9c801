//! `hansom token`: a token for a server that shares a secret with whoever makes them.

use std::time::Duration;

use hansom_api::auth::{Grant, Role, mint};

use crate::cli::{Token, TokenRole};
use crate::error::{Error, Exit};
use crate::{access, show};

/// Prints it.
pub fn run(arguments: &Token) -> Result<Exit, Error> {
    let secret = access::secret(arguments.secret_file.as_deref())?.ok_or(Error::NoSecret)?;
    let grant = Grant {
        name: arguments.name.clone(),
        roles: arguments.role.iter().map(|role| role.api()).collect(),
        markets: arguments.market.clone(),
        life: Duration::from_secs(u64::from(arguments.hours) * 3600),
        expected: access::expected(&arguments.scope),
    };
    show::result(&format!("{}\n", mint(&secret, &grant)))?;
    Ok(Exit::Done)
}

impl TokenRole {
    fn api(self) -> Role {
        match self {
            Self::Rider => Role::Rider,
            Self::Driver => Role::Driver,
            Self::Operator => Role::Operator,
            Self::Service => Role::Service,
        }
    }
}
