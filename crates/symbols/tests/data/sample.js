// Ours, to show which symbol each place is in: what stands behind the at sign.
'use strict'
const limit = Number(process.argv[2]) // @
function outer(a) { // @ outer
  const inner = (b) => {
    return b + a // @ outer.inner
  }
  return function () {
    return inner(a) // @ outer
  }
}
class Shelf extends Map {
  size = 3 // @ Shelf
  constructor(name) {
    super() // @ Shelf.constructor
    this.onfull = () => {
      this.clear() // @ Shelf.constructor.onfull
    }
  }
  static of(...items) {
    return items.map((item) => item * 2) // @ Shelf.of
  }
  get full() {
    return this.size > limit // @ Shelf.full
  }
  #hidden = async () => {
    await null // @ Shelf#hidden
  }
}
Shelf.prototype.drop = function () {
  this.delete(0) // @ Shelf.drop
}
exports.api = {
  list() {
    return [] // @ api.list
  },
  find: function (key) {
    return key // @ api.find
  },
  'odd key': () => {
    return 1 // @ api
  },
}
module.exports.later = async function named() {
  outer(1) // @ named
}
const whole = (a) => outer(a) // @ whole
;(function () {
  outer(2) // @
})()
function options() {
  const set = {
    wide: outer(3), // @ options
    deep() {
      return 1 // @ options.set.deep
    },
  }
  return set
}
