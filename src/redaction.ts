/**
 * Takes out of a text what a server or a program may have echoed of a secret: passwords in URLs, signatures and tokens
 * in query strings, and the values of options whose names say that they are secret.
 */
export function redact(text: string): string {
  return text
    .replaceAll(/(\w:\/\/[^\s:/@]*:)[^\s/@]+@/g, "$1***@")
    .replaceAll(/([?&](?:sig|[\w-]*signature|[\w-]*token|[\w-]*credential|key)=)[^&\s"']+/gi, "$1***")
    .replaceAll(
      /((?:pass(?:word)?|secret(?:_access_key)?|token|account_key|sas_url)\s*=\s*)("[^"]*"|'[^']*'|[^\s,;]+)/gi,
      "$1***",
    );
}
