//! Tells apart what reads the same: the results of one rule in one run that have the same function and the same code are numbered
//! in the order in which they stand in the file. Looks at no other run, so that the order of documents does not matter.

use super::item::{Item, Kind};

/// Numbers the results of every run.
pub fn put(items: &mut [Item]) {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.retain(|at| items.get(*at).is_some_and(|item| item.kind == Kind::Static && item.run.is_some()));
    order.sort_by(|x, y| {
        let (x, y) = (items.get(*x), items.get(*y));
        x.map(key).cmp(&y.map(key)).then_with(|| x.map(|i| (i.place, &i.id)).cmp(&y.map(|i| (i.place, &i.id))))
    });
    let mut turns = vec![0; items.len()];
    for pair in order.windows(2) {
        let [before, at] = pair else { continue };
        let same = items.get(*before).map(key) == items.get(*at).map(key);
        let moved = items.get(*before).and_then(|item| item.place) != items.get(*at).and_then(|item| item.place);
        let turn = turns.get(*before).map_or(0, |turn| turn + u32::from(moved));
        if let (true, Some(slot)) = (same, turns.get_mut(*at)) {
            *slot = turn;
        }
    }
    for (item, turn) in items.iter_mut().zip(turns) {
        item.turn = turn;
    }
}

type Key<'i> = (Option<u64>, Option<&'i str>, Option<&'i str>, Option<&'i str>, Option<u64>);

fn key(item: &Item) -> Key<'_> {
    let symbol = item.symbols.first().map(String::as_str);
    (item.run, item.rule.as_deref(), item.path.as_deref(), symbol, item.statement.or(item.context))
}
