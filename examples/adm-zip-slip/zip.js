'use strict';
// A ZIP archive with one entry, stored without compression, built from the format's own field list.

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const u16 = (n) => { const b = Buffer.alloc(2); b.writeUInt16LE(n); return b; };
const u32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n); return b; };

exports.zip = (name, text) => {
  const path = Buffer.from(name);
  const data = Buffer.from(text);
  // version, flags, method 0 (stored), time, date (1 January 1980), checksum, packed and plain size, lengths of name and extra
  const fields = [u16(20), u16(0), u16(0), u16(0), u16(33), u32(crc32(data)), u32(data.length), u32(data.length), u16(path.length), u16(0)];
  const local = Buffer.concat([u32(0x04034b50), ...fields, path, data]);
  // made by (Unix), fields as above, comment length, disk, inner and outer attributes (0644), offset of the entry
  const outer = [u16(0), u16(0), u16(0), u32(0o100644 * 65536), u32(0)];
  const central = Buffer.concat([u32(0x02014b50), u16(0x0314), ...fields, ...outer, path]);
  const end = [u32(0x06054b50), u16(0), u16(0), u16(1), u16(1), u32(central.length), u32(local.length), u16(0)];
  return Buffer.concat([local, central, ...end]);
};
