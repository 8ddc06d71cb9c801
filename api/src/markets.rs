//! Which market a request or a line is for.

use std::sync::Arc;

use hansom_dispatcher::{Dispatcher, MarketHandle};
use hansom_engine::Name;
use serde::Deserialize;

use crate::auth::Principal;
use crate::fault::{LineFault, RequestFault};

/// The markets of this process.
#[derive(Debug, Clone)]
pub struct Markets(pub Arc<Dispatcher>);

/// The query of a request that is for a market.
#[derive(Debug, Deserialize)]
pub struct OfMarket {
    /// Its name; may be left out where there is one only.
    pub market: Option<String>,
}

/// The market of a request.
#[derive(Debug)]
pub enum Chosen {
    /// This one.
    One(MarketHandle),
    /// Several are open, and each line names its own. Lines that cannot be read go to the first.
    EachLine(Markets, Option<MarketHandle>),
}

impl Markets {
    /// The market that a request names, or the only one; where several are open and none is named, each line has to.
    pub fn choose(&self, name: Option<&str>, sender: &Principal) -> Result<Chosen, RequestFault> {
        if name.is_none() && self.0.markets().len() > 1 {
            let first = self.0.markets().into_iter().find(|market| sender.is_of(market.name()));
            return Ok(Chosen::EachLine(self.clone(), first));
        }
        let market = self.one(name)?;
        sender.may_use(market.name())?;
        Ok(Chosen::One(market))
    }

    /// The market of this name, or the only one.
    pub fn one(&self, name: Option<&str>) -> Result<MarketHandle, RequestFault> {
        let mut markets = self.0.markets();
        match name {
            Some(name) => {
                self.0.market(name).ok_or_else(|| RequestFault::NoMarket { name: name.to_owned(), open: self.open() })
            }
            None if markets.len() > 1 => Err(RequestFault::WhichMarket { open: self.open() }),
            None => markets.pop().ok_or_else(|| RequestFault::NoMarket { name: String::new(), open: self.open() }),
        }
    }

    /// The names of those that are open.
    pub fn names(&self) -> Vec<String> {
        self.0.markets().iter().map(|market| market.name().to_owned()).collect()
    }

    fn open(&self) -> String {
        let names = self.names();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

impl Chosen {
    /// The market of a line that names one, or does not.
    pub fn of(&self, named: Option<&Name>) -> Result<MarketHandle, LineFault> {
        match (self, named) {
            (Self::One(market), Some(named)) if *named.0 != *market.name() => {
                Err(LineFault::wrong_market(&named.0, market.name()))
            }
            (Self::One(market), _) => Ok(market.clone()),
            (Self::EachLine(markets, _), named) => {
                markets.one(named.map(|name| &*name.0)).map_err(|fault| LineFault::no_market(&fault))
            }
        }
    }

    /// The market with whose quarantine a line goes that cannot be read.
    pub fn any(&self) -> Option<MarketHandle> {
        match self {
            Self::One(market) => Some(market.clone()),
            Self::EachLine(_, first) => first.clone(),
        }
    }
}
