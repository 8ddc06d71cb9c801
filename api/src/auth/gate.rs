//! Where requests become those of a principal, or are turned away.

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use super::keys::Keys;
use super::limits::Limits;
use super::principal::Principal;
use super::token::Denied;
use crate::fault::RequestFault;

/// Who is let in, and how much each may do. `None`: anybody, and everything.
#[derive(Debug)]
pub struct Gate(Option<(Keys, Limits)>);

impl Gate {
    /// One through which whoever reaches it may do everything.
    pub fn open() -> Self {
        Self(None)
    }

    /// One for bearers of tokens that are signed by these keys.
    pub fn of(keys: Keys, limits: Limits) -> Self {
        Self(Some((keys, limits)))
    }

    /// Whether it stands open.
    pub fn is_open(&self) -> bool {
        self.0.is_none()
    }

    /// Whom a token speaks for.
    pub async fn admit(&self, token: Option<&str>) -> Result<Principal, Denied> {
        let Some((keys, limits)) = &self.0 else { return Ok(Principal::anybody()) };
        let claims = keys.verify(token.ok_or(Denied::Missing)?).await?;
        Ok(Principal::of(claims, limits))
    }
}

/// The token in an `Authorization` header, or in what stands for one.
pub fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim()).filter(|token| !token.is_empty())
}

/// A handler that takes a principal is reached by nobody else. A request counts as one against what its principal may do.
impl FromRequest for Principal {
    type Error = RequestFault;
    type Future = LocalBoxFuture<'static, Result<Self, RequestFault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let gate = request.app_data::<Data<Gate>>().cloned();
        let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let token = header.and_then(bearer).map(str::to_owned);
        async move {
            let gate = gate.ok_or(Denied::Missing)?;
            let principal = gate.admit(token.as_deref()).await?;
            principal.spend(1)?;
            Ok(principal)
        }
        .boxed_local()
    }
}
