//! The four shapes as plain data, and their answers by a plain loop: given to every contender, and checked.

/// How a graph is wired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// No edges: every step returns 1.
    Independent,
    /// Each step adds 1 to the one before.
    Chain,
    /// Layers of [`WIDTH`] steps, each the sum of three random steps of the layer before.
    Layered,
    /// A binary tree of sums.
    Tree,
}

/// Steps in a layer of [`Shape::Layered`].
const WIDTH: usize = 100;

impl Shape {
    pub(crate) const ALL: [Shape; 4] = [Shape::Independent, Shape::Chain, Shape::Layered, Shape::Tree];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Shape::Independent => "independent",
            Shape::Chain => "chain",
            Shape::Layered => "layered",
            Shape::Tree => "tree",
        }
    }
}

/// A step's result from its inputs; 1 without inputs.
///
/// `black_box` keeps the compiler from seeing through a contender that inlines the step.
pub(crate) fn step(inputs: impl Iterator<Item = u64>) -> u64 {
    let (mut sum, mut count) = (0_u64, 0_u64);
    for input in inputs {
        sum = sum.wrapping_add(input);
        count += 1;
    }
    std::hint::black_box(if count < 2 { sum + 1 } else { sum })
}

/// A graph: for each step, in topological order, the steps that it reads and the steps that read it.
pub(crate) struct Graph {
    pub(crate) shape: Shape,
    inputs: Lists,
    successors: Lists,
    /// The steps without readers.
    pub(crate) sinks: Vec<u32>,
    /// The wrapping sum of their outputs.
    pub(crate) answer: u64,
}

impl Graph {
    /// A graph of about `wanted` steps.
    pub(crate) fn new(shape: Shape, wanted: usize) -> Self {
        let inputs = match shape {
            Shape::Independent => Lists::of((0..wanted).map(|_| Vec::new())),
            Shape::Chain => {
                Lists::of((0..wanted as u32).map(|step| step.checked_sub(1).into_iter().collect()))
            }
            Shape::Layered => layered(wanted),
            Shape::Tree => tree(wanted),
        };
        let successors = inputs.transposed();
        let mut values = Vec::with_capacity(inputs.len());
        for inputs in inputs.iter() {
            values.push(step(inputs.iter().map(|&input| values[input as usize])));
        }
        let sinks: Vec<u32> =
            (0..inputs.len() as u32).filter(|&step| successors.get(step as usize).is_empty()).collect();
        let answer = sinks.iter().fold(0, |sum: u64, &sink| sum.wrapping_add(values[sink as usize]));
        Graph { shape, inputs, successors, sinks, answer }
    }

    pub(crate) fn len(&self) -> usize {
        self.inputs.len()
    }

    /// The steps that a step reads.
    pub(crate) fn inputs(&self, step: usize) -> &[u32] {
        self.inputs.get(step)
    }

    /// The steps that read a step, once for each read.
    pub(crate) fn successors(&self, step: usize) -> &[u32] {
        self.successors.get(step)
    }

    /// The steps without inputs.
    pub(crate) fn roots(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|&step| self.inputs(step).is_empty())
    }

    /// Panics if a contender's answer is wrong.
    pub(crate) fn check(&self, answer: u64, contender: &str) {
        assert_eq!(answer, self.answer, "{contender} computed {} wrongly", self.shape.name());
    }
}

fn layered(wanted: usize) -> Lists {
    let mut random = 88_172_645_463_325_252_u64;
    let mut pick = |layer: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        ((layer - 1) * WIDTH + (random % WIDTH as u64) as usize) as u32
    };
    Lists::of((0..wanted.div_ceil(WIDTH) * WIDTH).map(|step| match step / WIDTH {
        0 => Vec::new(),
        layer => vec![pick(layer), pick(layer), pick(layer)],
    }))
}

/// A full binary tree, leaves first; each level has half as many steps as the one below.
fn tree(wanted: usize) -> Lists {
    let leaves = (wanted / 2).next_power_of_two() as u32;
    Lists::of((0..2 * leaves - 1).map(|step| match step.checked_sub(leaves) {
        None => Vec::new(),
        Some(inner) => vec![2 * inner, 2 * inner + 1],
    }))
}

/// Many short lists in two allocations.
struct Lists {
    starts: Vec<u32>,
    items: Vec<u32>,
}

impl Lists {
    fn of(lists: impl Iterator<Item = Vec<u32>>) -> Self {
        let (mut starts, mut items) = (vec![0], Vec::new());
        for list in lists {
            items.extend(list);
            starts.push(items.len() as u32);
        }
        Lists { starts, items }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }

    fn get(&self, position: usize) -> &[u32] {
        &self.items[self.starts[position] as usize..self.starts[position + 1] as usize]
    }

    fn iter(&self) -> impl Iterator<Item = &[u32]> {
        (0..self.len()).map(|position| self.get(position))
    }

    /// The inverse relation.
    fn transposed(&self) -> Self {
        let mut starts = vec![0_u32; self.len() + 1];
        self.items.iter().for_each(|&item| starts[item as usize + 1] += 1);
        (0..self.len()).for_each(|position| starts[position + 1] += starts[position]);
        let (mut next, mut items) = (starts.clone(), vec![0; self.items.len()]);
        for (position, list) in self.iter().enumerate() {
            for &item in list {
                items[next[item as usize] as usize] = position as u32;
                next[item as usize] += 1;
            }
        }
        Lists { starts, items }
    }
}
