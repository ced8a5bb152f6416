#![allow(unused_variables)]

use pipeline::prelude::*;

#[step]
fn owned(#[context] cx: StepContext) {}

#[step]
fn other(#[context] cx: &String) {}

#[step]
fn options(#[context(full)] cx: &StepContext, #[input(any)] x: &u32) {}

fn main() {}
