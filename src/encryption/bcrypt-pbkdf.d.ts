/** The package brings no types, and there are none of it in @types. */
declare module "bcrypt-pbkdf" {
  /** Fills `key` with `keyLength` bytes; returns 0, or -1 if an argument is out of range. */
  function pbkdf(
    passphrase: Uint8Array,
    passphraseLength: number,
    salt: Uint8Array,
    saltLength: number,
    key: Uint8Array,
    keyLength: number,
    rounds: number,
  ): number;
  const bcrypt: { pbkdf: typeof pbkdf };
  export default bcrypt;
}
