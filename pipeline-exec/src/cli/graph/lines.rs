//! A graph drawn with lines, for a terminal: a row for each step, in topological order, and a column for each output
//! until its last reader.
//!
//! ```text
//! ● orders
//! │ ● refunds
//! ●─┘ revenue
//! ```

use pipeline_core::Dag;

use crate::cli::wording::{fit, width};

/// Maximum width of names.
const NAME: usize = 40;

/// Returns the drawing; `None` if it would be wider than `columns`.
pub(super) fn lines(dag: &Dag, columns: usize) -> Option<String> {
    let mut text = String::new();
    // The step whose output each column carries.
    let mut carried: Vec<Option<usize>> = Vec::new();
    let mut left: Vec<usize> = (0..dag.len()).map(|step| dag.downstream(step).len()).collect();
    for step in 0..dag.len() {
        let inputs: Vec<usize> = dag.upstream(step).iter().map(|&earlier| earlier as usize).collect();
        inputs.iter().for_each(|&earlier| left[earlier] = left[earlier].saturating_sub(1));
        let is_input = |column: &Option<usize>| column.is_some_and(|earlier| inputs.contains(&earlier));
        let ends = |column: &Option<usize>| column.is_some_and(|earlier| left[earlier] == 0);
        // In the column of an input that ends here, else in a free one.
        let at = carried.iter().position(|column| is_input(column) && ends(column));
        let at = at.or_else(|| carried.iter().position(Option::is_none)).unwrap_or(carried.len());
        if at == carried.len() {
            if 2 * at > columns {
                return None;
            }
            carried.push(None);
        }
        let read: Vec<usize> = carried
            .iter()
            .enumerate()
            .filter(|(_, column)| is_input(column))
            .map(|(index, _)| index)
            .collect();
        let (first, last) =
            (read.first().map_or(at, |&first| first.min(at)), read.last().map_or(at, |&last| last.max(at)));
        let mut row = String::new();
        for (index, column) in carried.iter().enumerate() {
            let is_between = first < index && index < last;
            row.push(match (index == at, is_input(column), ends(column)) {
                (true, ..) => '●',
                (_, true, true) if is_between => '┴',
                (_, true, true) => {
                    if index < at {
                        '└'
                    } else {
                        '┘'
                    }
                }
                (_, true, false) if is_between => '┼',
                (_, true, false) => {
                    if index < at {
                        '├'
                    } else {
                        '┤'
                    }
                }
                (_, false, _) if column.is_some() => {
                    if is_between {
                        '┼'
                    } else {
                        '│'
                    }
                }
                _ => {
                    if is_between {
                        '─'
                    } else {
                        ' '
                    }
                }
            });
            row.push(if first <= index && index < last { '─' } else { ' ' });
        }
        let name = fit(dag.step(step).name(), NAME);
        let row = format!("{} {name}", row.trim_end());
        if width(&row) > columns {
            return None;
        }
        text.push_str(&row);
        text.push('\n');
        carried.iter_mut().filter(|column| ends(column)).for_each(|column| *column = None);
        carried[at] = (left[step] > 0).then_some(step);
        while carried.last().is_some_and(Option::is_none) {
            carried.pop();
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use pipeline_core::{DagBuilder, Problems};

    use super::*;

    #[test]
    fn every_edge_is_a_line() -> Result<(), Problems> {
        let mut dag = DagBuilder::new();
        let orders = dag.cpu("orders", (), |()| 1_u32);
        let refunds = dag.cpu("refunds", (), |()| 1_u32);
        let rates = dag.cpu("rates", (), |()| 1_u32);
        let revenue = dag.cpu("revenue", (orders, refunds), |(a, b)| a + b);
        dag.cpu("in_euros", (revenue, rates), |(a, b)| a + b);
        dag.cpu("audit", (orders, revenue, rates), |(a, b, c)| a + b + c);
        let dag = dag.build()?;
        let drawn = lines(&dag, 80).unwrap_or_default();
        let wanted = "\
● orders
│ ● refunds
│ │ ● rates
├─● │ revenue
│ ├─┼─● in_euros
●─┴─┘ audit
";
        assert_eq!(drawn, wanted);
        assert_eq!(lines(&dag, 10), None, "it does not fit");
        Ok(())
    }
}
