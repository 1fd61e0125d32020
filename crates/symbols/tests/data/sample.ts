// Ours, to show which symbol each place is in: what stands behind the at sign.
const limit: number = 3 // @
namespace Store {
  export interface Keep {
    size: number // @ Store.Keep
  }
  export abstract class Shelf<T> implements Keep {
    size = 3 // @ Store.Shelf
    constructor(private readonly name: string) {
      console.log(name) // @ Store.Shelf.constructor
    }
    private find = <U>(item: U): U => {
      return item // @ Store.Shelf.find
    }
    async take(at: number): Promise<T | undefined> {
      return undefined // @ Store.Shelf.take
    }
  }
}
export const pick = (at: number) => {
  return (<any>at) as string // @ pick
}
export default function (at: number) {
  return limit + at // @
}
