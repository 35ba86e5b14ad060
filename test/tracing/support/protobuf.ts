/** Reads protobuf messages as far as OTLP's need it, by field numbers alone. */

export type Field = { readonly number: number; readonly value: bigint | Buffer };

/** All fields of a message in their order: numbers as they stand there, everything else as bytes. */
export function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
      shift += 7n;
    }
  };
  while (at < message.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    const wire = tag & 7;
    if (wire === 0) fields.push({ number, value: varint() });
    else {
      const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? Number(varint()) : Number.NaN;
      if (!(at + length <= message.length)) throw new Error(`field ${number} has wire type ${wire}`);
      fields.push({ number, value: message.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}

/** A message by field number. */
export class Message {
  readonly #fields: readonly Field[];

  constructor(bytes: Buffer) {
    this.#fields = fieldsOf(bytes);
  }

  all(number: number): Buffer[] {
    return this.#fields.filter((field) => field.number === number).map(({ value }) => value as Buffer);
  }

  messages(number: number): Message[] {
    return this.all(number).map((bytes) => new Message(bytes));
  }

  text(number: number): string {
    return this.all(number).at(-1)?.toString("utf8") ?? "";
  }

  hex(number: number): string {
    return this.all(number).at(-1)?.toString("hex") ?? "";
  }

  integer(number: number): number {
    return Number(this.#fields.findLast((field) => field.number === number)?.value ?? 0n);
  }

  has(number: number): boolean {
    return this.#fields.some((field) => field.number === number);
  }

  fixed64(number: number): bigint {
    return this.all(number).at(-1)?.readBigUInt64LE() ?? 0n;
  }

  double(number: number): number {
    return this.all(number).at(-1)?.readDoubleLE() ?? 0;
  }
}
