//! The money: balances that sum to zero.

use crate::domain::Money;
use crate::record::{Account, Settlement};

/// Balance of each account since the market opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ledger {
    balances: [Money; Account::COUNT],
}

impl Ledger {
    pub(crate) fn of(balances: [Money; Account::COUNT]) -> Self {
        Self { balances }
    }

    /// Balance of an account.
    pub fn balance(&self, account: Account) -> Money {
        self.balances[account as usize]
    }

    /// Sum of all balances: zero, or the ledger is broken.
    pub fn sum(&self) -> Money {
        self.balances.iter().copied().sum()
    }

    pub(crate) fn post(&mut self, settlement: &Settlement) {
        for entry in &settlement.entries {
            self.balances[entry.account as usize] += entry.amount;
        }
    }
}
