// Runs inside the box before the program and watches what it does to its own process.
//
// It takes its orders and a one-time key from descriptor 3, closes it, and reports on descriptor 4; every report
// carries an HMAC under that key, which nothing outside this closure can reach. Everything it needs is taken before
// the program starts, and nothing it does later may run code of the program: no iteration protocols, no property
// reads through prototypes, no JSON of objects, no array growth by assignment.
'use strict';
(() => {
  const fs = require('fs');
  const { isMainThread } = require('worker_threads');
  let orders = { key: '' };
  if (isMainThread) {
    try {
      orders = JSON.parse(fs.readFileSync(3, 'utf8'));
      fs.closeSync(3);
    } catch {
      return; // loaded again by the program: there is no key any more, and nothing to do
    }
  }
  // A forked child would load this file too; its descriptor 3 is something else.
  process.execArgv.length = 0;

  const { apply, construct, ownKeys, getOwnPropertyDescriptor, getPrototypeOf, setPrototypeOf, defineProperty } = Reflect;
  const objectIs = Object.is, create = Object.create, isArray = Array.isArray;
  const uncurry = Function.prototype.bind.bind(Function.prototype.call);
  const charCodeAt = uncurry(String.prototype.charCodeAt);
  const slice = uncurry(String.prototype.slice);
  const startsWith = uncurry(String.prototype.startsWith);
  const includes = uncurry(String.prototype.includes);
  const lastIndexOf = uncurry(String.prototype.lastIndexOf);
  const numberToString = uncurry(Number.prototype.toString);
  const symbolToString = uncurry(Symbol.prototype.toString);
  const mapGet = uncurry(Map.prototype.get);
  const mapSet = uncurry(Map.prototype.set);
  const MapCtor = Map, U8 = Uint8Array, U32 = Uint32Array, ErrorCtor = Error, StringOf = String;
  const quotePrimitive = JSON.stringify;
  const { writeSync } = fs;
  const realpathNative = fs.realpathSync.native;
  const cwd = process.cwd.bind(process);
  const bufferToString = uncurry(Buffer.prototype.toString);
  const isBuffer = Buffer.isBuffer;
  const bindingBase = process.binding;
  const reallyExitBase = process.reallyExit;
  const abortBase = process.abort;
  const emitBase = process.emit;

  const own = (object, key, value, open) =>
    defineProperty(object, key, { __proto__: null, value, writable: !!open, enumerable: true, configurable: !!open });

  // ---- a list that grows without looking at Array.prototype -------------------------------------------------------
  const list = () => ({ __proto__: null, size: 0 });
  const push = (to, item) => { own(to, to.size, item, true); to.size++; };

  // ---- HMAC-SHA-256 over ASCII text -------------------------------------------------------------------------------
  const K = new U32(64), H0 = new U32(8);
  (() => {
    let n = 0;
    for (let p = 2; n < 64; p++) {
      let prime = true;
      for (let d = 2; d * d <= p; d++) if (p % d === 0) { prime = false; break; }
      if (!prime) continue;
      if (n < 8) H0[n] = Math.floor((Math.sqrt(p) % 1) * 4294967296);
      K[n++] = Math.floor((Math.cbrt(p) % 1) * 4294967296);
    }
  })();
  const rotr = (x, n) => (x >>> n) | (x << (32 - n));
  function sha256(bytes) {
    const padded = new U8((((bytes.length + 8) >> 6) + 1) << 6);
    for (let i = 0; i < bytes.length; i++) padded[i] = bytes[i];
    padded[bytes.length] = 0x80;
    const bits = bytes.length * 8;
    for (let i = 0; i < 6; i++) padded[padded.length - 1 - i] = Math_floor(bits / POW256[i]) & 255;
    const h = new U32(8), w = new U32(64);
    for (let i = 0; i < 8; i++) h[i] = H0[i];
    for (let at = 0; at < padded.length; at += 64) {
      for (let i = 0; i < 16; i++) {
        const j = at + i * 4;
        w[i] = (padded[j] << 24) | (padded[j + 1] << 16) | (padded[j + 2] << 8) | padded[j + 3];
      }
      for (let i = 16; i < 64; i++) {
        const s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ (w[i - 15] >>> 3);
        const s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ (w[i - 2] >>> 10);
        w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
      }
      let a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], z = h[7];
      for (let i = 0; i < 64; i++) {
        const t1 = (z + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g)) + K[i] + w[i]) | 0;
        const t2 = ((rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        z = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
      }
      h[0] += a; h[1] += b; h[2] += c; h[3] += d; h[4] += e; h[5] += f; h[6] += g; h[7] += z;
    }
    const out = new U8(32);
    for (let i = 0; i < 32; i++) out[i] = h[i >> 2] >>> (24 - (i & 3) * 8);
    return out;
  }
  const Math_floor = Math.floor;
  const POW256 = new Float64Array(6);
  for (let i = 0; i < 6; i++) POW256[i] = 2 ** (8 * i);
  const key = new U8(64);
  for (let i = 0; i < 32; i++) key[i] = parseInt(orders.key.slice(i * 2, i * 2 + 2), 16);
  orders.key = '';
  const joined = (pad, bytes) => {
    const out = new U8(64 + bytes.length);
    for (let i = 0; i < 64; i++) out[i] = key[i] ^ pad;
    for (let i = 0; i < bytes.length; i++) out[64 + i] = bytes[i];
    return out;
  };
  const HEX = '0123456789abcdef';
  function hmac(text) {
    const bytes = new U8(text.length);
    for (let i = 0; i < text.length; i++) bytes[i] = charCodeAt(text, i);
    const mac = sha256(joined(0x5c, sha256(joined(0x36, bytes))));
    let out = '';
    for (let i = 0; i < 32; i++) out += HEX[mac[i] >> 4] + HEX[mac[i] & 15];
    return out;
  }

  // ---- writing reports --------------------------------------------------------------------------------------------
  // JSON.stringify looks up toJSON on objects only, so it is safe on a primitive string; escapes keep it ASCII.
  function quoted(text, max) {
    const raw = quotePrimitive(slice(text, 0, max));
    let out = '';
    for (let i = 0; i < raw.length; i++) {
      const code = charCodeAt(raw, i);
      out += code < 127 ? raw[i] : '\\u' + slice('000' + numberToString(code, 16), -4);
    }
    return out;
  }
  const quotedList = (items, write) => {
    let out = '[';
    for (let i = 0; i < items.size; i++) out += (i ? ',' : '') + write(items[i]);
    return out + ']';
  };
  let sequence = 0;
  let failure = '';
  let disguised = 0, native = 0;
  const events = list();
  function report(how, code) {
    sequence++;
    const body = '{"seq":' + numberToString(sequence, 10) + ',"how":' + quoted(how, 32) +
      ',"code":' + (typeof code === 'number' ? numberToString(code, 10) : 'null') +
      ',"disguised":' + numberToString(disguised, 10) +
      ',"native":' + numberToString(native, 10) +
      ',"changes":' + changesText() +
      ',"events":' + quotedList(events, (e) => e) +
      ',"error":' + (failure || 'null') + '}';
    const line = 'PROOF1 ' + hmac(body) + ' ' + body + '\n';
    let sent = 0;
    for (let tries = 0; sent < line.length && tries < 1000; tries++) {
      try { sent += writeSync(4, slice(line, sent, line.length)); } catch (e) { if (e.code !== 'EAGAIN') return; }
    }
  }
  const EVENTS_MAX = 8;
  function note(kind, detail, frames) {
    if (events.size >= EVENTS_MAX) return;
    push(events, '{"kind":' + quoted(kind, 32) + ',"detail":' + quoted(detail, 512) + ',"frames":' + frames + '}');
  }

  // ---- stacks -----------------------------------------------------------------------------------------------------
  let siteProto = null;
  ErrorCtor.prepareStackTrace = (_, sites) => { siteProto = getPrototypeOf(sites[0]); return ''; };
  void new ErrorCtor('probe').stack;
  delete ErrorCtor.prepareStackTrace;
  const site = (name) => (siteProto && siteProto[name] ? uncurry(siteProto[name]) : () => undefined);
  const fileOf = site('getFileName'), functionOf = site('getFunctionName'), typeOf = site('getTypeName');
  const isEval = site('isEval'), originOf = site('getEvalOrigin'), isTop = site('isToplevel');
  const captureStackTrace = ErrorCtor.captureStackTrace;
  const sitesOnly = (_, sites) => sites;
  const pin = (object, key, value) => {
    const before = getOwnPropertyDescriptor(object, key);
    const held = defineProperty(object, key, { __proto__: null, value, writable: true, enumerable: false, configurable: true });
    return () => {
      if (!held) return;
      if (before === undefined) { delete object[key]; return; }
      const back = { __proto__: null, configurable: before.configurable, enumerable: before.enumerable };
      if (getOwnPropertyDescriptor(before, 'get')) { back.get = before.get; back.set = before.set; }
      else { back.value = before.value; back.writable = before.writable; }
      defineProperty(object, key, back);
    };
  };
  const FRAMES_MAX = 24;
  // The frames below `above`, innermost first, as JSON; `null` where the program made that impossible.
  function stack(above) {
    const undo1 = pin(globalThis, 'Error', ErrorCtor);
    const undo2 = pin(ErrorCtor, 'prepareStackTrace', sitesOnly);
    const undo3 = pin(ErrorCtor, 'stackTraceLimit', FRAMES_MAX);
    try {
      const holder = { __proto__: null };
      captureStackTrace(holder, above);
      const sites = holder.stack;
      const length = getOwnPropertyDescriptor(sites, 'length').value;
      let out = '[';
      for (let i = 0; i < length && i < FRAMES_MAX; i++) {
        const one = getOwnPropertyDescriptor(sites, i).value;
        const file = fileOf(one), name = functionOf(one), origin = isEval(one) ? originOf(one) : undefined;
        const type = isTop(one) ? undefined : typeOf(one);
        out += (i ? ',' : '') + '{"file":' + quoted(typeof file === 'string' ? file : '', 200) +
          ',"function":' + quoted(typeof name === 'string' ? name : '', 96) +
          ',"type":' + quoted(typeof type === 'string' ? type : '', 64) +
          ',"origin":' + (typeof origin === 'string' ? quoted(origin, 300) : 'null') + '}';
      }
      return out + ']';
    } catch {
      return 'null';
    } finally {
      undo3(); undo2(); undo1();
    }
  }

  // ---- what is shared by all objects, before and after ------------------------------------------------------------
  const watched = list();
  (() => {
    const plain = ['Object', 'Function', 'Array', 'String', 'Number', 'Boolean', 'Symbol', 'BigInt', 'RegExp', 'Date', 'Map',
      'Set', 'WeakMap', 'WeakSet', 'WeakRef', 'FinalizationRegistry', 'Promise', 'Error', 'TypeError', 'RangeError',
      'SyntaxError', 'ReferenceError', 'EvalError', 'URIError', 'AggregateError', 'ArrayBuffer', 'SharedArrayBuffer',
      'DataView', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array',
      'Uint32Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array', 'Buffer'];
    for (const name of plain) if (globalThis[name]) push(watched, { __proto__: null, name: name + '.prototype', object: globalThis[name].prototype });
    const also = (name, object) => push(watched, { __proto__: null, name, object });
    also('TypedArray.prototype', getPrototypeOf(Uint8Array.prototype));
    also('ArrayIterator.prototype', getPrototypeOf([][Symbol.iterator]()));
    also('Iterator.prototype', getPrototypeOf(getPrototypeOf([][Symbol.iterator]())));
    also('MapIterator.prototype', getPrototypeOf(new Map()[Symbol.iterator]()));
    also('SetIterator.prototype', getPrototypeOf(new Set()[Symbol.iterator]()));
    also('StringIterator.prototype', getPrototypeOf(''[Symbol.iterator]()));
    also('GeneratorFunction.prototype', getPrototypeOf(function* () {}));
    also('Generator.prototype', getPrototypeOf(function* () {}).prototype);
    also('AsyncFunction.prototype', getPrototypeOf(async () => {}));
    also('AsyncGeneratorFunction.prototype', getPrototypeOf(async function* () {}));
    also('AsyncGenerator.prototype', getPrototypeOf(async function* () {}).prototype);
  })();
  // Descriptors are compared by what they have of their own: what else they seem to have may lie on Object.prototype.
  const hasOwn = uncurry(Object.prototype.hasOwnProperty);
  const same = (one, other) => {
    const plain = hasOwn(one, 'value');
    if (plain !== hasOwn(other, 'value')) return false;
    return plain ? objectIs(one.value, other.value) : objectIs(one.get, other.get) && objectIs(one.set, other.set);
  };
  function snapshotTake() {
    for (let i = 0; i < watched.size; i++) {
      const entry = watched[i], keys = ownKeys(entry.object), shapes = [];
      // Nothing of the program's has run yet: here growth by assignment is safe.
      for (let k = 0; k < keys.length; k++) shapes[k] = getOwnPropertyDescriptor(entry.object, keys[k]);
      entry.keys = keys;
      entry.shapes = shapes;
      entry.size = keys.length;
      entry.parent = getPrototypeOf(entry.object);
    }
  }
  const keysOf = (object) => { const keys = ownKeys(object); return { __proto__: null, keys, size: keys.length }; };
  const CHANGES_MAX = 64;
  function changesText() {
    const found = list();
    const add = (entry, key, what, shape) => {
      if (found.size >= CHANGES_MAX) return;
      const symbol = typeof key === 'symbol';
      const plain = shape !== undefined && hasOwn(shape, 'value');
      const type = shape === undefined ? 'none' : plain ? typeof shape.value : 'accessor';
      const shown = type === 'string' ? shape.value : type === 'number' || type === 'boolean' ? StringOf(shape.value) : '';
      push(found, '{"on":' + quoted(entry.name, 64) + ',"key":' + quoted(symbol ? symbolToString(key) : key, 128) +
        ',"symbol":' + (symbol ? 'true' : 'false') + ',"what":"' + what + '","type":"' + type + '","value":' + quoted(shown, 64) + '}');
    };
    for (let i = 0; i < watched.size; i++) {
      const entry = watched[i], { keys, size } = keysOf(entry.object);
      // Where keys came or went they no longer lie where they lay.
      let before = null, known = 0;
      for (let k = 0; k < size; k++) {
        const name = keys[k], shape = getOwnPropertyDescriptor(entry.object, name);
        let old;
        if (k < entry.size && entry.keys[k] === name) {
          old = entry.shapes[k];
        } else {
          if (before === null) {
            before = new MapCtor();
            for (let o = 0; o < entry.size; o++) mapSet(before, entry.keys[o], entry.shapes[o]);
          }
          old = mapGet(before, name);
        }
        if (old !== undefined) known++;
        const unlike = old === undefined || !same(old, shape);
        if (unlike && !trapQuiet(entry.name, name)) add(entry, name, old === undefined ? 'added' : 'changed', shape);
      }
      if (known < entry.size) {
        for (let k = 0; k < entry.size; k++) {
          if (getOwnPropertyDescriptor(entry.object, entry.keys[k]) === undefined) add(entry, entry.keys[k], 'removed', undefined);
        }
      }
      if (getPrototypeOf(entry.object) !== entry.parent) add(entry, '[[Prototype]]', 'changed', undefined);
    }
    return quotedList(found, (text) => text);
  }

  // ---- trace run: who sets the key? -------------------------------------------------------------------------------
  const traps = list();
  const trapQuiet = (on, key) => {
    for (let i = 0; i < traps.size; i++) if (traps[i].on === on && traps[i].key === key) return !traps[i].sprung;
    return false;
  };
  function trapsSet() {
    for (let t = 0; t < orders.traps.length; t++) {
      const wanted = orders.traps[t];
      for (let i = 0; i < watched.size; i++) if (watched[i].name === wanted.on) trapSet(watched[i].object, wanted.on, wanted.key);
    }
    const guard = (base) => function (object, name, about) {
      for (let i = 0; i < traps.size; i++) {
        if (traps[i].object === object && traps[i].key === name) sprung(traps[i], 'defined', guard);
      }
      return apply(base, this, arguments);
    };
    Object.defineProperty = guard(Object.defineProperty);
    Reflect.defineProperty = guard(defineProperty);
  }
  const sprung = (trap, how, above) => {
    trap.sprung = true;
    note('pollution', trap.on + '.' + trap.key + ' ' + how, stack(above));
  };
  function trapSet(object, on, name) {
    const before = getOwnPropertyDescriptor(object, name);
    const trap = { __proto__: null, object, on, key: name, sprung: false };
    let value = before && getOwnPropertyDescriptor(before, 'value') ? before.value : undefined;
    push(traps, trap);
    const setter = function (to) {
      if (this === object) {
        sprung(trap, 'set', setter);
        value = to;
        defineProperty(object, name, { __proto__: null, value, writable: true, enumerable: true, configurable: true });
      } else {
        defineProperty(this, name, { __proto__: null, value: to, writable: true, enumerable: true, configurable: true });
      }
    };
    defineProperty(object, name, { __proto__: null, get: () => value, set: setter, enumerable: false, configurable: true });
  }

  // ---- files and commands: through whose hands? -------------------------------------------------------------------
  const ordersRead = orders.file_read || '', ordersWrite = orders.write_folder || '';
  function realOf(path) {
    let text = typeof path === 'string' ? path : isBuffer(path) ? bufferToString(path, 'utf8') : '';
    if (text === '') return '';
    if (charCodeAt(text, 0) !== 47) text = cwd() + '/' + text;
    try { return realpathNative(text); } catch { /* it need not exist */ }
    const cut = lastIndexOf(text, '/');
    try { return realpathNative(slice(text, 0, cut) || '/') + slice(text, cut, text.length); } catch { return text; }
  }
  function pathNote(op, path, above) {
    if (typeof path === 'string' && (startsWith(path, '/app/') || startsWith(path, '/harness/'))) return;
    const real = realOf(path);
    if (ordersRead !== '' && real === ordersRead) note('read', op, stack(above));
    else if (ordersWrite !== '' && (real === ordersWrite || startsWith(real, ordersWrite + '/'))) {
      note('write', op + ' ' + slice(real, ordersWrite.length, real.length), stack(above));
    }
  }
  function filesWatch() {
    const binding = apply(bindingBase, process, ['fs']);
    const wrap = (name, paths) => {
      const base = binding[name];
      if (typeof base !== 'function') return;
      const watch = function (first, second) {
        pathNote(name, first, watch);
        if (paths === 2) pathNote(name, second, watch);
        return apply(base, this, arguments);
      };
      binding[name] = watch;
    };
    for (const name of ['open', 'openFileHandle', 'readFileUtf8', 'writeFileUtf8', 'mkdir', 'unlink', 'rmdir', 'rmSync',
      'chmod', 'utimes', 'mkdtemp']) wrap(name, 1);
    for (const name of ['rename', 'link', 'symlink', 'copyFile', 'cpSyncDir', 'cpSyncCopyDir']) wrap(name, 2);
    // Streams open their file in a later turn, when the caller is no longer on the stack.
    for (const name of ['createReadStream', 'createWriteStream']) {
      const base = fs[name];
      const watch = function (path) { pathNote(name, path, watch); return apply(base, this, arguments); };
      fs[name] = watch;
    }
  }
  function commandsWatch() {
    const described = (options) => {
      let text = '';
      try {
        const file = options.file, args = options.args;
        text = typeof file === 'string' ? file : '';
        for (let i = 0; args && i < args.length && i < 8; i++) text += ' ' + (typeof args[i] === 'string' ? args[i] : '');
      } catch { /* a hostile options object says nothing */ }
      return text;
    };
    const { Process } = apply(bindingBase, process, ['process_wrap']);
    const spawnBase = Process.prototype.spawn;
    const spawn = function (options) { note('command', described(options), stack(spawn)); return apply(spawnBase, this, arguments); };
    Process.prototype.spawn = spawn;
    const sync = apply(bindingBase, process, ['spawn_sync']);
    const syncBase = sync.spawn;
    const spawnSync = function (options) { note('command', described(options), stack(spawnSync)); return apply(syncBase, this, arguments); };
    sync.spawn = spawnSync;
  }
  function codeWatch() {
    const token = orders.code_token;
    const canary = function (said) { if (said === token) note('code', 'canary called', stack(canary)); };
    own(globalThis, orders.code_name, canary, false);
    defineProperty(globalThis, orders.code_name, { __proto__: null, enumerable: false });
    // Who makes the payload into code is seen when it is made: code may be given any name, and be called by anyone.
    const carries = (args) => {
      for (let i = 0; i < args.length; i++) if (typeof args[i] === 'string' && includes(args[i], token)) return true;
      return false;
    };
    const makers = [Function, getPrototypeOf(async () => {}).constructor, getPrototypeOf(function* () {}).constructor,
      getPrototypeOf(async function* () {}).constructor];
    for (const base of makers) {
      const handler = {
        __proto__: null,
        apply(target, self, args) {
          if (carries(args)) note('compile', 'function made', stack(handler.apply));
          return apply(target, self, args);
        },
        construct(target, args, as) {
          if (carries(args)) note('compile', 'function made', stack(handler.construct));
          return construct(target, args, as === watched ? target : as);
        },
      };
      const watched = new Proxy(base, handler);
      defineProperty(base.prototype, 'constructor', { __proto__: null, value: watched });
      if (base === Function) globalThis.Function = watched;
    }
  }

  // ---- code under a package's name that is not the package's ------------------------------------------------------
  // Frames are told apart by file name, and a program may compile its own text under any name. Whoever does so under a
  // package's is no witness.
  function disguisesWatch() {
    const Module = require('module'), vm = require('vm');
    const { readFileSync } = fs;
    const isPackage = (name) => typeof name === 'string' && includes(name, '/app/node_modules/');
    const compileBase = Module.prototype._compile;
    const stripped = (text) => (charCodeAt(text, 0) === 0xfeff ? slice(text, 1, text.length) : text);
    // What is wrapped around a package's text is compiled under its name too.
    const { wrap, wrapper } = Module;
    const piece = (at) => { const about = getOwnPropertyDescriptor(wrapper, at); return about && about.value; };
    const head = piece(0), tail = piece(1);
    const wrapped = () => Module.wrap !== wrap || Module.wrapper !== wrapper || piece(0) !== head || piece(1) !== tail;
    Module.prototype._compile = function _compile(content, filename) {
      if (isPackage(filename)) {
        let same = false;
        // A name with `..` in it reads as a package's and is another file.
        try { same = realpathNative(filename) === filename && typeof content === 'string' && stripped(readFileSync(filename, 'utf8')) === stripped(content); } catch { /* no such file */ }
        if (!same || wrapped()) disguised++;
      }
      return apply(compileBase, this, arguments);
    };
    const named = (options) => {
      if (isPackage(options)) return true;
      try { return isPackage(options.filename) || isPackage(options.identifier); } catch { return false; }
    };
    const look = (base) => function () {
      for (let i = 1; i < arguments.length && i < 4; i++) if (named(arguments[i])) disguised++;
      return apply(base, this, arguments);
    };
    for (const name of ['runInThisContext', 'runInContext', 'runInNewContext', 'createScript']) {
      if (typeof vm[name] === 'function') vm[name] = look(vm[name]);
    }
    // Options are the program's, and may say one name to this and another to the runtime: it gets what was looked at.
    const fixed = (options) => {
      if (options === null || typeof options !== 'object') return options;
      const { filename } = options;
      return create(options, { filename: { __proto__: null, value: filename, enumerable: true } });
    };
    if (typeof vm.compileFunction === 'function') {
      const base = look(vm.compileFunction);
      vm.compileFunction = function (code, params, options) { return apply(base, this, [code, params, fixed(options)]); };
    }
    // Below every way to a script, whoever holds which constructor: here the name is what the runtime made of it.
    const scripts = (base) => new Proxy(base, {
      __proto__: null,
      construct(target, args, as) {
        if (named(args[1])) disguised++;
        return construct(target, args, as);
      },
    });
    const scriptBase = getPrototypeOf(vm.Script), scriptWatched = scripts(scriptBase);
    defineProperty(scriptBase.prototype, 'constructor', { __proto__: null, value: scriptWatched });
    setPrototypeOf(vm.Script, scriptWatched);
    if (typeof Module.registerHooks === 'function') {
      const base = Module.registerHooks;
      Module.registerHooks = function () { disguised++; return apply(base, this, arguments); };
    }
  }

  // ---- the doors to this closure ----------------------------------------------------------------------------------
  const refuse = (what) => function () { throw new ErrorCtor(what + ' is not available in a proof'); };
  function doorsShut() {
    const shut = (object, key, what) => {
      if (object && getOwnPropertyDescriptor(object, key)) {
        defineProperty(object, key, { __proto__: null, value: refuse(what), writable: false, enumerable: true, configurable: false });
      }
    };
    const v8 = require('v8');
    for (const name of ['getHeapSnapshot', 'writeHeapSnapshot', 'setFlagsFromString', 'queryObjects', 'setHeapSnapshotNearHeapLimit', 'takeCoverage', 'stopCoverage', 'startCpuProfile']) shut(v8, name, 'v8.' + name);
    try {
      const inspector = require('inspector');
      for (const name of ['connect', 'connectToMainThread', 'post']) shut(inspector.Session.prototype, name, 'the inspector');
      for (const name of ['open', 'waitForDebugger']) shut(inspector, name, 'the inspector');
    } catch { /* a runtime built without it */ }
    const CLOSED = new MapCtor([['inspector', 1], ['v8', 1], ['contextify', 1], ['heap_utils', 1], ['profiler', 1]]);
    const binding = function (name) {
      const text = StringOf(name);
      if (mapGet(CLOSED, text) === 1) throw new ErrorCtor('process.binding(' + text + ') is not available in a proof');
      const real = apply(bindingBase, process, [text]);
      if (text !== 'fs' && text !== 'process_wrap' && text !== 'spawn_sync') return real;
      // The program gets a copy: what it changes there is not what the runtime uses.
      const copy = {}, { keys, size } = keysOf(real);
      for (let k = 0; k < size; k++) defineProperty(copy, keys[k], getOwnPropertyDescriptor(real, keys[k]));
      return copy;
    };
    defineProperty(process, 'binding', { __proto__: null, value: binding, writable: false, enumerable: false, configurable: false });
    for (const name of ['_linkedBinding', '_debugProcess', '_debugEnd', '_startProfilerIdleNotifier']) shut(process, name, 'process.' + name);
    const dlopenBase = process.dlopen;
    const dlopen = function (module, file) {
      const real = realOf(file);
      if (!startsWith(real, '/app/node_modules/')) throw new ErrorCtor('native code outside the packages is not available in a proof');
      native++;
      return apply(dlopenBase, process, arguments);
    };
    defineProperty(process, 'dlopen', { __proto__: null, value: dlopen, writable: false, enumerable: true, configurable: false });
    // A thread has doors of its own, to this one too. It loads this file first whatever it is told, and shuts them; the
    // thread in which loader hooks run does not.
    const threads = require('worker_threads');
    const WorkerBase = threads.Worker;
    const worker = new Proxy(WorkerBase, {
      __proto__: null,
      construct(target, args, as) {
        let options = args[1];
        if (options !== null && typeof options === 'object') {
          const told = options.execArgv, all = ['--require', '/harness/preload.cjs'];
          for (let i = 0; isArray(told) && i < told.length; i++) own(all, i + 2, StringOf(told[i]), true);
          const execArgv = isArray(told) ? all : undefined;
          options = create(options, { execArgv: { __proto__: null, value: execArgv, enumerable: true } });
        }
        return construct(target, [args[0], options], as === worker ? target : as);
      },
    });
    defineProperty(WorkerBase.prototype, 'constructor', { __proto__: null, value: worker, writable: false, configurable: false });
    defineProperty(threads, 'Worker', { __proto__: null, value: worker, writable: false, enumerable: true, configurable: false });
    shut(require('module'), 'register', 'module.register');
    require('module').syncBuiltinESMExports();
  }

  // ---- the end ----------------------------------------------------------------------------------------------------
  const textOf = (read, max) => {
    try { const value = read(); return typeof value === 'string' ? quoted(value, max) : '""'; } catch { return '""'; }
  };
  function failureNote(error) {
    if (failure !== '') return;
    const thing = error !== null && (typeof error === 'object' || typeof error === 'function');
    failure = '{"name":' + textOf(() => (thing ? error.name : 'thrown ' + typeof error), 64) +
      ',"message":' + textOf(() => (thing ? error.message : StringOf(error)), 512) +
      ',"code":' + textOf(() => (thing ? error.code : ''), 64) +
      ',"stack":' + textOf(() => (thing ? error.stack : ''), 4096) + '}';
  }
  function endWatch() {
    const wrapEmit = (inner) => function emit(name) {
      if (name === 'uncaughtExceptionMonitor') failureNote(arguments[1]);
      if (name !== 'exit') return apply(inner, this, arguments);
      try { return apply(inner, this, arguments); } finally { report('exit', arguments[1]); }
    };
    const wrapExit = (inner) => function reallyExit(code) { report('really-exit', code); return apply(inner, this, arguments); };
    const wrapAbort = (inner) => function abort() { report('abort', null); return apply(inner, this, arguments); };
    // Programs and packages may replace these (some do, to be told of the end), but not take the report out of them.
    const keep = (name, base, wrap) => {
      let current = wrap(base);
      defineProperty(process, name, {
        __proto__: null, configurable: false, enumerable: true,
        get: () => current,
        set: (to) => { if (typeof to === 'function') current = wrap(to); },
      });
    };
    keep('emit', emitBase, wrapEmit);
    keep('reallyExit', reallyExitBase, wrapExit);
    keep('abort', abortBase, wrapAbort);
  }

  if (!isMainThread) { doorsShut(); return; }
  endWatch();
  disguisesWatch();
  doorsShut();
  if (ordersRead !== '' || ordersWrite !== '') filesWatch();
  if (orders.commands) commandsWatch();
  if (orders.code_name) codeWatch();
  snapshotTake();
  if (orders.traps && orders.traps.length) trapsSet();
})();
