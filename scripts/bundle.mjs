import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import protobuf from 'protobufjs'
import { licensesOf } from './licenses.mjs'

/** CommonJS packages inside an ES module still ask for these. */
const COMMONJS_GLOBALS = [
  "import { createRequire as __createRequire } from 'node:module'",
  "import { fileURLToPath as __fileURLToPath } from 'node:url'",
  'const require = __createRequire(import.meta.url)',
  "const __dirname = __fileURLToPath(new URL('.', import.meta.url))",
].join('\n')

/** What runs as a process of its own, by the path in dist/: workers of a proxy, and what the demo starts. */
const PROGRAMS = ['src/cli/proxy/worker.ts', 'src/demo/backend.ts', 'src/demo/guardian.ts', 'src/demo/load.ts']

/**
 * Bundles the launcher, the help, every command and the programs they start into dist/, with the chunks they share and the
 * licences of the packages in them.
 */
export async function bundleCommandLine() {
  const { metafile } = await build({
    entryPoints: ['src/cli/main.ts', 'src/cli/help.ts', 'src/commands/**/*.ts', ...PROGRAMS],
    outdir: 'dist',
    outbase: 'src',
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.20',
    jsx: 'automatic',
    define: { 'process.env.NODE_ENV': '"production"' },
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: { js: COMMONJS_GLOBALS },
    // Development aids of Ink and oclif, loaded only where they are installed and asked for.
    external: ['react-devtools-core', 'typescript'],
    plugins: [prebuiltProtos],
    logLevel: 'warning',
    metafile: true,
  })
  await writeFile('dist/THIRD-PARTY-LICENSES.txt', await licensesOf(metafile))
}

/** Replaces @grpc/proto-loader by one that has the .proto files built in: parsing them takes tens of milliseconds. */
const prebuiltProtos = {
  name: 'prebuilt-protos',
  setup(bundler) {
    const loader = fileURLToPath(new URL('proto-loader.mjs', import.meta.url))
    bundler.onResolve({ filter: /^@grpc\/proto-loader$/ }, () => ({ path: loader }))
    bundler.onResolve({ filter: /^virtual:protos$/ }, ({ path }) => ({ path, namespace: 'protos' }))
    bundler.onLoad({ filter: /.*/, namespace: 'protos' }, async () => {
      const root = await new protobuf.Root().load('node_modules/etcd3/proto/rpc.proto', { keepCase: true })
      return { contents: JSON.stringify({ 'rpc.proto': root.toJSON() }), loader: 'json' }
    })
  },
}
