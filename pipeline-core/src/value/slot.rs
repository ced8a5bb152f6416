//! Storage for one output. The only file that stores and moves values without types.
//!
//! A slot holds nothing, an output of the step's type, or a boxed error. Small outputs live in the slot itself (a `Vec`
//! or `String` fits), larger ones in a box, so that a million slots stay small and dropping a large output returns its
//! memory. Which of the three it holds is known from the step's status
//! and from [`Counters::is_gone`](crate::cells::Counters::is_gone);
//! which thread may touch it follows from the counters. Every function states what its caller has to know.

#![allow(unsafe_code)]

use std::any::{Any, TypeId};
use std::cell::UnsafeCell;
use std::mem::{MaybeUninit, align_of, needs_drop, size_of};

use super::TypeDef;
use crate::error::StepError;

/// The words of inline storage: three hold a `Vec`, a `String`, or a small struct.
const WORDS: usize = 3;

type Storage = MaybeUninit<[u64; WORDS]>;

/// A function that drops the value of a slot; made for one type.
pub(crate) type DropFn = unsafe fn(&Slot);

/// Storage for one output.
pub(crate) struct Slot(UnsafeCell<Storage>);

// SAFETY: only `Send + Sync` values can be put in (`put` and `TypeDef::of` require both), and every access is ordered by
// the counters of the step, as each caller proves.
unsafe impl Sync for Slot {}
// SAFETY: as above.
unsafe impl Send for Slot {}

/// Reports whether values of `T` live in the slot itself.
const fn is_inline<T>() -> bool {
    size_of::<T>() <= size_of::<Storage>() && align_of::<T>() <= align_of::<Storage>()
}

/// Returns the function that drops a slot's value of type `T`; `None` if there is nothing to do.
pub(crate) const fn drop_fn<T: Send + Sync + 'static>() -> Option<DropFn> {
    if needs_drop::<T>() || !is_inline::<T>() { Some(drop_value::<T>) } else { None }
}

/// Drops the value in place.
///
/// # Safety
/// As [`Slot::take`].
unsafe fn drop_value<T: 'static>(slot: &Slot) {
    // SAFETY: the caller's promise is the same.
    drop(unsafe { slot.take::<T>() });
}

/// A value on its way to a slot, with its type.
pub(crate) struct Boxed {
    ty: TypeDef,
    value: Box<dyn Any + Send + Sync>,
    /// Puts the value, which is of the type, into a slot.
    put: unsafe fn(&Slot, Box<dyn Any + Send + Sync>),
}

impl Boxed {
    pub(crate) fn new<T: Send + Sync + 'static>(value: T) -> Self {
        Boxed { ty: TypeDef::of::<T>(), value: Box::new(value), put: put_boxed::<T> }
    }

    pub(crate) fn ty(&self) -> TypeDef {
        self.ty
    }

    pub(crate) fn into_value(self) -> Box<dyn Any + Send + Sync> {
        self.value
    }

    /// Moves the value into a slot.
    ///
    /// # Safety
    /// As [`Slot::put`].
    pub(crate) unsafe fn put(self, slot: &Slot) {
        // SAFETY: the caller's promise is the same.
        unsafe { (self.put)(slot, self.value) };
    }
}

/// # Safety
/// As [`Slot::put`].
unsafe fn put_boxed<T: Send + Sync + 'static>(slot: &Slot, value: Box<dyn Any + Send + Sync>) {
    let value = value.downcast::<T>().expect("invariant: `Boxed::new` makes value and function for one type");
    // SAFETY: the caller's promise is the same.
    unsafe { slot.put(*value) };
}

/// A slot that holds a value of a known type for at least `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Value<'a> {
    slot: &'a Slot,
    ty: TypeDef,
}

impl<'a> Value<'a> {
    /// Borrows the value, if it is a `T`.
    pub(crate) fn get<T: 'static>(self) -> Option<&'a T> {
        // SAFETY: by the promise given to `Slot::holding`, a value of type `ty` is there for `'a`.
        (self.ty.id() == TypeId::of::<T>()).then(|| unsafe { self.slot.get() })
    }

    pub(crate) fn ty(self) -> TypeDef {
        self.ty
    }
}

impl Slot {
    /// An empty slot.
    pub(crate) const fn empty() -> Self {
        Slot(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// Stores a value.
    ///
    /// # Safety
    /// The slot is empty and the caller is its only user: it runs the step, which has not ended.
    pub(crate) unsafe fn put<T: Send + Sync + 'static>(&self, value: T) {
        let place = self.0.get();
        if is_inline::<T>() {
            // SAFETY: size and alignment were compared; the caller has exclusive access.
            unsafe { place.cast::<T>().write(value) };
        } else {
            // SAFETY: a thin pointer fits the storage; the caller has exclusive access.
            unsafe { place.cast::<*mut T>().write(Box::into_raw(Box::new(value))) };
        }
    }

    /// Borrows the value.
    ///
    /// # Safety
    /// The slot holds a value of type `T`, the caller happens after its `put`, and the value is not taken or
    /// dropped while the reference lives: the caller is a reader that has not released it, or the value is kept.
    pub(crate) unsafe fn get<T: 'static>(&self) -> &T {
        let place = self.0.get();
        if is_inline::<T>() {
            // SAFETY: by the caller's promise a `T` is there and stays.
            unsafe { &*place.cast::<T>() }
        } else {
            // SAFETY: `put` stored a pointer to a live box.
            unsafe { &**place.cast::<*mut T>() }
        }
    }

    /// Returns the value, whose type is known as data only.
    ///
    /// # Safety
    /// As [`Slot::get`], for the type `ty`.
    pub(crate) unsafe fn holding(&self, ty: TypeDef) -> Value<'_> {
        Value { slot: self, ty }
    }

    /// Moves the value out.
    ///
    /// # Safety
    /// The slot holds a value of type `T`, and the caller happens after its `put` and after every reader's last use.
    /// The slot is empty afterwards.
    pub(crate) unsafe fn take<T: 'static>(&self) -> T {
        let place = self.0.get();
        if is_inline::<T>() {
            // SAFETY: by the caller's promise a `T` is there, and this is its last use.
            unsafe { place.cast::<T>().read() }
        } else {
            // SAFETY: `put` stored a pointer from `Box::into_raw`, and this is its last use.
            *unsafe { Box::from_raw(place.cast::<*mut T>().read()) }
        }
    }

    /// Stores the error of a step that failed.
    ///
    /// # Safety
    /// As [`Slot::put`]; the step will be marked as failed.
    pub(crate) unsafe fn put_error(&self, error: Box<StepError>) {
        // SAFETY: a thin pointer fits; the caller has exclusive access.
        unsafe { self.0.get().cast::<*mut StepError>().write(Box::into_raw(error)) };
    }

    /// Borrows the error, which stays until the frame is dropped.
    ///
    /// # Safety
    /// The slot holds an error, and the caller happens after its `put_error`.
    pub(crate) unsafe fn error(&self) -> &StepError {
        // SAFETY: `put_error` stored a pointer to a live box.
        unsafe { &**self.0.get().cast::<*mut StepError>() }
    }

    /// Drops the error.
    ///
    /// # Safety
    /// The slot holds an error, and the caller is the last user of the slot.
    pub(crate) unsafe fn drop_error(&mut self) {
        // SAFETY: `put_error` stored a pointer from `Box::into_raw`.
        drop(unsafe { Box::from_raw(self.0.get().cast::<*mut StepError>().read()) });
    }

    /// Stores the step that caused the skip.
    ///
    /// # Safety
    /// As [`Slot::put`]; the step will be marked as skipped.
    pub(crate) unsafe fn put_cause(&self, cause: u32) {
        // SAFETY: a `u32` fits; the caller has exclusive access.
        unsafe { self.0.get().cast::<u32>().write(cause) };
    }

    /// Returns the step that caused the skip.
    ///
    /// # Safety
    /// The slot holds a cause, and the caller happens after its `put_cause`.
    pub(crate) unsafe fn cause(&self) -> u32 {
        // SAFETY: `put_cause` stored it.
        unsafe { self.0.get().cast::<u32>().read() }
    }
}
