import js from '@eslint/js';
import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'node_modules',
      'labextension/lib',
      'jupyter_slml',
      'dist',
      '.venv',
      '**/*.js',
      '**/*.mjs',
      '**/*.d.ts',
      'labextension/src/api/schema.ts'
    ]
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  // The plug-in's own list does not carry the plug-in object.
  ...jupyter.configs.recommended.map(config => ({
    plugins: { jupyter },
    ...config
  })),
  {
    files: ['labextension/src/**/*.{ts,tsx}'],
    rules: {
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        }
      ],
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      curly: ['error', 'all'],
      eqeqeq: 'error',
      // The rule is for heavy dependencies; what we import at the top are a few small files of our own.
      'jupyter/prefer-lazy-imports': 'off'
    }
  },
  prettier
);
