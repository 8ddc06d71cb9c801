//! What the keys of a scenario must be to each other.

use hansom_geo_index::Millis;
use hansom_geo_index::import::synthetic;

use super::document::{Document, Entry, quoted};
use super::fault::{Fault, Place, nearest};
use super::keys::LONGEST_PERIOD;
use super::model::{Demand, DemandModel, Fleet, PolicyKind, Scenario, StreetSource};

/// Adds the faults of keys that do not go together. Keys that are at fault by themselves have been named before and
/// stand at their defaults.
pub(super) fn together(scenario: &Scenario, document: &Document, faults: &mut Vec<Fault>) {
    let check = Check { scenario, document };
    faults.extend(check.given());
    faults.extend(check.city());
    faults.extend(check.period());
    faults.extend(check.shift());
    faults.extend(check.silence());
    faults.extend(check.keep());
    faults.extend(check.external());
    if let Demand::Model(model) = &scenario.demand {
        faults.extend(check.rates(model));
        faults.extend(check.zone_names(model));
    }
}

/// The same for the keys of a market alone.
pub(super) fn market(scenario: &Scenario, document: &Document, faults: &mut Vec<Fault>) {
    let check = Check { scenario, document };
    faults.extend(check.streets());
    faults.extend(check.city());
    faults.extend(check.silence());
    faults.extend(check.keep());
    faults.extend(check.external());
}

impl Scenario {
    /// The paths it names that do not exist, as faults. Reading a scenario does not look: a run's own copy stays
    /// readable when its inputs have moved.
    pub fn missing_files(&self) -> Vec<Fault> {
        let streets = match &self.network.source {
            StreetSource::Csv(path) => Some(("network.csv", path)),
            StreetSource::File(path) => Some(("network.file", path)),
            StreetSource::Synthetic(_) => None,
        };
        let requests = match &self.demand {
            Demand::File(path) => Some(("demand.file", path)),
            Demand::Model(_) => None,
        };
        let vehicles = match &self.supply.fleet {
            Fleet::Listed { file, .. } => Some(("supply.file", file)),
            Fleet::Drawn { .. } => None,
        };
        let named = [streets, requests, vehicles].into_iter().flatten();
        named.filter(|(_, path)| !path.exists()).map(|(key, path)| Fault::NoFile { key, path: path.clone() }).collect()
    }
}

struct Check<'s> {
    scenario: &'s Scenario,
    document: &'s Document,
}

impl Check<'_> {
    fn entry(&self, key: &str) -> Option<&Entry> {
        self.document.find(key)
    }

    /// Where a key was given, if it was; what is derived from others is blamed on `other`.
    fn place(&self, key: &str, other: &str) -> Option<Place> {
        self.entry(key).or_else(|| self.entry(other)).map(|entry| entry.place.clone())
    }

    /// Streets, demand and a fleet.
    fn given(&self) -> Vec<Fault> {
        let demand = self.missing(&["demand.file", "demand.rate_per_h"], "demand", "demand = { rate_per_h = 900 }");
        let fleet = self.missing(&["supply.file", "supply.vehicles"], "supply.vehicles", "supply = { vehicles = 400 }");
        [self.streets(), demand, fleet].into_iter().flatten().collect()
    }

    fn streets(&self) -> Option<Fault> {
        let forms = ["network.csv", "network.file", "network.synthetic"];
        self.missing(&forms, "network", "network = { synthetic = \"river-town\" }")
    }

    /// `key`, if none of `forms` is given.
    fn missing(&self, forms: &[&str], key: &str, example: &'static str) -> Option<Fault> {
        let absent = forms.iter().all(|form| self.entry(form).is_none());
        absent.then(|| Fault::Missing { key: key.to_owned(), file: self.document.file.clone(), example })
    }

    /// A procedural city that there is.
    fn city(&self) -> Option<Fault> {
        let StreetSource::Synthetic(name) = &self.scenario.network.source else { return None };
        if name.is_empty() || synthetic::NAMES.contains(&name.as_str()) {
            return None;
        }
        Some(Fault::UnknownName {
            what: "city",
            key: "network.synthetic".to_owned(),
            place: self.place("network.synthetic", "network")?,
            value: quoted(name),
            suggestion: nearest(name, synthetic::NAMES).map(str::to_owned),
            known: format!("the cities are {}", synthetic::NAMES.join(", ")),
        })
    }

    fn backwards(&self, (start_key, start): (&str, Millis), (end_key, end): (&str, Millis)) -> Option<Fault> {
        let place = self.place(end_key, start_key).filter(|_| end <= start)?;
        let stamp = |at| self.scenario.timezone.stamp(at);
        Some(Fault::Backwards {
            end_key: end_key.to_owned(),
            place,
            end: stamp(end),
            start_key: start_key.to_owned(),
            start: stamp(start),
        })
    }

    /// Whether both ends of the period were read.
    fn has_period(&self) -> bool {
        self.scenario.period.start > Millis::ZERO && self.scenario.period.end > Millis::ZERO
    }

    /// Whether the period is one that others can be held against.
    fn sound_period(&self) -> bool {
        self.has_period() && self.period().is_none()
    }

    fn period(&self) -> Option<Fault> {
        let period = self.scenario.period;
        if !self.has_period() {
            return None;
        }
        if period.end - period.start > LONGEST_PERIOD {
            return Some(Fault::Contradiction {
                key: "period.end".to_owned(),
                place: self.place("period.end", "period.start")?,
                value: self.scenario.timezone.stamp(period.end),
                against: "a period lasts 31 days at most".to_owned(),
                remedy: "split the period into several runs".to_owned(),
            });
        }
        self.backwards(("period.start", period.start), ("period.end", period.end))
    }

    fn shift(&self) -> Option<Fault> {
        let (supply, period) = (&self.scenario.supply, self.scenario.period);
        let end = supply.shift_end?;
        match supply.shift_start {
            Some(start) => self.backwards(("supply.shift_start", start), ("supply.shift_end", end)),
            None if self.sound_period() => self.backwards(("period.start", period.start), ("supply.shift_end", end)),
            None => None,
        }
    }

    /// Who sends an order again shall not meet a market that has forgotten whose it is.
    fn keep(&self) -> Option<Fault> {
        let keep = self.scenario.keep;
        if keep.drivers >= keep.keys {
            return None;
        }
        Some(Fault::Contradiction {
            key: "keep.drivers_s".to_owned(),
            place: self.place("keep.drivers_s", "keep.keys_s")?,
            value: format!("{} s", keep.drivers.0 / 1000),
            against: format!("orders are remembered for {} s", keep.keys.0 / 1000),
            remedy: "raise `keep.drivers_s`, or lower `keep.keys_s`".to_owned(),
        })
    }

    /// A planner outside is either started or listens somewhere.
    fn external(&self) -> Option<Fault> {
        let external = &self.scenario.policy.external;
        match (&external.command, &external.address) {
            (None, None) if self.scenario.policy.kind == PolicyKind::External => Some(Fault::Missing {
                key: "policy.external.command".to_owned(),
                file: self.document.file.clone(),
                example: "policy = { kind = \"external\", external = { command = \"python3 greedy.py\" } }",
            }),
            (Some(_), Some(_)) => Some(Fault::TwoForms {
                key: "policy.external.address".to_owned(),
                place: self.entry("policy.external.address")?.place.clone(),
                other: "policy.external.command".to_owned(),
                other_place: self.entry("policy.external.command")?.place.clone(),
            }),
            _ => None,
        }
    }

    fn silence(&self) -> Vec<Fault> {
        let (silence, interval) = (self.scenario.silence, self.scenario.pings.interval);
        let least = Millis(interval.0.saturating_mul(4));
        let seconds = |span: Millis| format!("{} s", span.0 as f64 / 1000.0);
        let fault = |key: &str, other: &str, value: Millis, against: String, remedy: String| {
            let place = self.place(key, other)?;
            Some(Fault::Contradiction { key: key.to_owned(), place, value: seconds(value), against, remedy })
        };
        let warn = (silence.warn < least).then(|| {
            fault(
                "silence.warn_s",
                "pings.interval_s",
                silence.warn,
                format!("four ping intervals are {}", seconds(least)),
                "raise `silence.warn_s`, or leave it out: it follows `pings.interval_s`".to_owned(),
            )
        });
        let redispatch = (silence.redispatch < silence.warn).then(|| {
            fault(
                "silence.redispatch_s",
                "silence.warn_s",
                silence.redispatch,
                format!("the warning comes after {}", seconds(silence.warn)),
                "raise `silence.redispatch_s`, or leave it out: it is twice `silence.warn_s`".to_owned(),
            )
        });
        [warn, redispatch].into_iter().flatten().flatten().collect()
    }

    /// A list of rates covers the period.
    fn rates(&self, model: &DemandModel) -> Option<Fault> {
        let period = self.scenario.period;
        let hours = ((period.end - period.start).0.max(0) + 3_599_999) / 3_600_000;
        let given = model.rate_per_h.len();
        if !self.sound_period() || given <= 1 || given as i64 >= hours {
            return None;
        }
        Some(Fault::Contradiction {
            key: "demand.rate_per_h".to_owned(),
            place: self.place("demand.rate_per_h", "demand")?,
            value: format!("a list of {given}"),
            against: format!("the period has {hours} hours"),
            remedy: "give a rate for each hour from the period's start, or a single number for all".to_owned(),
        })
    }

    /// `from` and `to` name zones.
    fn zone_names(&self, model: &DemandModel) -> Vec<Fault> {
        let mut names: Vec<&str> = model.zones.iter().map(|zone| zone.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let unknown = |key: &'static str, used: &[String]| -> Vec<Fault> {
            let used: Vec<String> = used.iter().filter(|name| !names.contains(&name.as_str())).cloned().collect();
            let fault = |name: String| {
                Some(Fault::UnknownName {
                    what: "zone",
                    key: key.to_owned(),
                    place: self.place(key, "demand")?,
                    value: quoted(&name),
                    suggestion: nearest(&name, names.iter().copied()).map(str::to_owned),
                    known: if names.is_empty() {
                        "list the zones in `demand.zones`".to_owned()
                    } else {
                        format!("the zones are {}", names.join(", "))
                    },
                })
            };
            used.into_iter().filter_map(fault).collect()
        };
        [unknown("demand.from", &model.from), unknown("demand.to", &model.to)].concat()
    }
}
